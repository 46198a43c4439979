"""Cloud models: one call, made well, for whichever party needs it.

Actors, simulated users and remote critics all ask a model and know nothing of one another; what they share is here.
``aliases`` says which model a name means, ``completion`` makes one streamed, bounded and retried call, ``failures`` and
``retry`` decide what a failure means and whether to try again, ``stream`` gathers an answer, ``prices`` reads litellm's
own price list. Nothing here imports litellm before the first call.
"""
