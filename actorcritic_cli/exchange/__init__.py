"""Importers and exporters, one file a format; all of them speak the event stream."""
