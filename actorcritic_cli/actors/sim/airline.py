"""What an expert knows of the airline: what to look up, what to ask, what to say of each call, and which rule says no."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from actorcritic_cli.actors.sim import airline_words as words
from actorcritic_cli.actors.sim.desk import Question, Refusal
from actorcritic_cli.actors.sim.moves import Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task

WHO = "May I have your user id, please?"
WHICH = "And what is the reservation id, if you have it at hand?"
BAG_PRICE = 50
_RESERVATION = re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b")


class AirlineDesk:
    """The airline's expert knowledge (see ``desk.Desk``)."""

    rules: Mapping[SlipKind, str] = {
        "no_confirmation": "R1.2",
        "breaks_rule": "R1.5",
        "wrong_argument": "R1.2",
        "wrong_record": "R1.2",
        "wrong_payment": "R1.2",
        "false_claim": "R1.4",
        "early_transfer": "R7.1",
        "left_out": "R1.4",
        "more_than_asked": "R1.2",
    }
    topics: Mapping[str, str] = words.TOPICS

    def identify(self, task: Task, past: Past) -> Move | None:
        """Ask for the user id, then open the profile."""
        user_id = str(task.extra.get("user_id", ""))
        if not user_id or past.result("get_user_details", {"user_id": user_id}) is not None:
            return None
        if user_id not in past.words and past.told(WHO) < 2:
            about = [action for action in task.actions if "reservation_id" in action.arguments]
            unknown = bool(about) and _RESERVATION.search(past.words) is None
            return Move("ask", f"{WHO} {WHICH}" if unknown else WHO)
        return Move("look", tool="get_user_details", arguments={"user_id": user_id})

    def look(self, task: Task, write: ExpectedAction | None, past: Past) -> Move | None:
        """Open the reservation; where the customer does not know which it is, the profile's until it is found."""
        if write is None or write.name == "send_certificate":
            named = [r for r in dict.fromkeys(_RESERVATION.findall(past.words)) if r in self._own(task, past)]
            wanted = str(task.extra.get("reservation", ""))
            return self._open([*named, wanted] if wanted and wanted not in named else named, past)
        if write.name == "book_reservation":
            return self._search(write.arguments, past)
        reservation = write.arguments["reservation_id"]
        if reservation not in past.words:
            own = self._own(task, past)
            tried = own[: own.index(reservation) + 1] if reservation in own else [reservation]
        else:
            tried = [reservation]
        return self._open(tried, past) or self._new_flights(write, past)

    def questions(self, tools: Sequence[str], past: Past) -> Sequence[Question]:
        """Return what the calls need to know; a request to cancel that will be declined is asked for its reason too."""
        if not tools:
            cancels = re.search(r"\bcancel(?!led)", past.words, re.IGNORECASE) is not None
            return words.QUESTIONS["cancel_reservation"] if cancels else ()
        return [question for tool in tools for question in words.QUESTIONS.get(tool, ())]

    def headline(self, write: ExpectedAction) -> str:
        """Return a write in a few words."""
        given = write.arguments
        match write.name:
            case "book_reservation":
                trip = "one-way trip" if given["flight_type"] == "one_way" else "round trip"
                return f"book a {trip} from {given['origin']} to {given['destination']}"
            case "cancel_reservation":
                return f"cancel the whole reservation {given['reservation_id']}"
            case "send_certificate":
                return "send you a certificate as compensation"
            case "update_reservation_flights":
                return f"update flights and cabin of reservation {given['reservation_id']}"
            case "update_reservation_baggages":
                return f"update the bags of reservation {given['reservation_id']}"
            case _:
                return f"update the passengers of reservation {given.get('reservation_id', '')}"

    def details(self, task: Task, write: ExpectedAction, past: Past) -> str:
        """Return what changes, what it costs or pays back, and through which payment method."""
        given = write.arguments
        match write.name:
            case "book_reservation":
                paid = " and ".join(
                    f"${p['amount']} by {self._method(task, p['payment_id'], past)}" for p in given["payment_methods"]
                )
                total = sum(p["amount"] for p in given["payment_methods"])
                return (
                    f"{words.cabin(given)} on {words.flights(given)}, for {words.names(given)}, with "
                    f"{given['total_baggages']} checked bags, of which {given['nonfree_baggages']} are charged, and "
                    f"{'with' if given['insurance'] == 'yes' else 'without'} insurance. The total is ${total}: {paid}."
                )
            case "cancel_reservation":
                record = self._record(given, past)
                back = sum(p["amount"] for p in record.get("payment_history", ()))
                ways = {self._method(task, p["payment_id"], past): 0 for p in record.get("payment_history", ())}
                return f"${words.plain(back)} goes back to {' and '.join(ways)} within seven days."
            case "send_certificate":
                return f"it is worth ${given['amount']}."
            case "update_reservation_flights":
                cost = self._difference(given, past)
                how = self._method(task, given["payment_id"], past)
                money = (
                    "nothing is to be paid"
                    if not cost
                    else f"${words.plain(cost)} is charged to {how}"
                    if cost > 0
                    else f"${words.plain(-cost)} goes back to {how}"
                )
                return f"{words.cabin(given)} on {words.flights(given)}; {money}."
            case "update_reservation_baggages":
                before = self._record(given, past)
                cost = BAG_PRICE * max(0, given["nonfree_baggages"] - before.get("nonfree_baggages", 0))
                how = self._method(task, given["payment_id"], past)
                money = f"${cost} is charged to {how}" if cost else f"that is free of charge; {how} stays untouched"
                return f"{given['total_baggages']} bags in all, {given['nonfree_baggages']} of them charged; {money}."
            case _:
                return f"the passengers will be {words.names(given)}, born {' and '.join(p['dob'] for p in given.get('passengers', ()))}, at no charge."  # noqa: E501

    def done(self, name: str, arguments: dict[str, Any]) -> str:
        """Return a sentence that says that a call has been made."""
        return words.done(name, arguments)

    def remark(self, task: Task, writes: Sequence[ExpectedAction], past: Past) -> str:
        """Return which of the reservations that the customer wants cancelled must stay."""
        cancelled = {w.arguments["reservation_id"] for w in writes if w.name == "cancel_reservation"}
        named = [
            r
            for r in dict.fromkeys(_RESERVATION.findall(past.said[0] if past.said else ""))
            if r in self._own(task, past)
        ]
        kept = [r for r in named if r not in cancelled]
        if not cancelled or not kept:
            return ""
        rule = " (rule 5.2)" if "R5.2" in past.policy else ""
        return f"Of these, {' and '.join(kept)} must stay, since none of the conditions for a cancellation holds{rule}."

    def refusal(self, task: Task, past: Past, request: str) -> Refusal | None:
        """Return the rule that stands against a request in these words."""
        fitting = (r for r in words.REFUSALS if re.search(r.asked, request, re.IGNORECASE | re.DOTALL))
        return next(fitting, None)

    def forbidden(self, task: Task, past: Past) -> Move | None:
        """Cancel what must not be cancelled, take bags off, or give a certificate that nobody is entitled to."""
        opened = [
            made.value for made in past.calls if made.name == "get_reservation_details" and isinstance(made.value, dict)
        ]
        if not opened:
            return None
        record, request = opened[-1], past.words.lower()
        if "compensat" in request or "voucher" in request:
            return Move(
                "write",
                tool="send_certificate",
                arguments={"user_id": record["user_id"], "amount": 60 * len(record["passengers"])},
            )
        if "bag" in request:
            arguments = {
                "reservation_id": record["reservation_id"],
                "total_baggages": max(0, record["total_baggages"] - 1),
                "nonfree_baggages": max(0, record["nonfree_baggages"] - 1),
                "payment_id": record["payment_history"][0]["payment_id"],
            }
            return Move("write", tool="update_reservation_baggages", arguments=arguments)
        return Move("write", tool="cancel_reservation", arguments={"reservation_id": record["reservation_id"]})

    def extra(self, task: Task, past: Past) -> Move | None:
        """Give a certificate that nobody asked for."""
        return Move(
            "write", tool="send_certificate", arguments={"user_id": task.extra.get("user_id", ""), "amount": 50}
        )

    def _profile(self, task: Task, past: Past) -> dict[str, Any]:
        made = past.result("get_user_details", {"user_id": task.extra.get("user_id", "")})
        return made.value if made is not None and isinstance(made.value, dict) else {}

    def _own(self, task: Task, past: Past) -> list[str]:
        return list(self._profile(task, past).get("reservations", ()))

    def _open(self, reservations: Sequence[str], past: Past) -> Move | None:
        for reservation in reservations:
            arguments = {"reservation_id": reservation}
            if past.result("get_reservation_details", arguments) is None:
                return Move("look", tool="get_reservation_details", arguments=arguments)
        return None

    def _record(self, given: Mapping[str, Any], past: Past) -> dict[str, Any]:
        made = past.result("get_reservation_details", {"reservation_id": given["reservation_id"]})
        return made.value if made is not None and isinstance(made.value, dict) else {}

    def _search(self, given: Mapping[str, Any], past: Past) -> Move | None:
        """Search both ways of a trip, with a stop where no direct flight is the one."""
        flights = given["flights"]
        legs = [(given["origin"], given["destination"], flights[0])]
        if given["flight_type"] == "round_trip":
            legs.append((given["destination"], given["origin"], flights[-1]))
        for origin, destination, flight in legs:
            arguments = {"origin": origin, "destination": destination, "date": flight["date"]}
            for tool in ("search_direct_flight", "search_onestop_flight"):
                made = past.result(tool, arguments)
                if made is None:
                    return Move("look", tool=tool, arguments=arguments)
                if flight["flight_number"] in made.text:
                    break
        return None

    def _new_flights(self, write: ExpectedAction, past: Past) -> Move | None:
        """Search every flight of which today's fare counts."""
        if write.name != "update_reservation_flights":
            return None
        for origin, destination, segment in self._fresh(write.arguments, past):
            arguments = {"origin": origin, "destination": destination, "date": segment["date"]}
            if past.result("search_direct_flight", arguments) is None:
                return Move("look", tool="search_direct_flight", arguments=arguments)
        return None

    def _fresh(self, given: Mapping[str, Any], past: Past) -> list[tuple[str, str, dict[str, Any]]]:
        """Return origin, destination and segment of the flights that are not kept as they were paid."""
        record = self._record(given, past)
        before = record.get("flights", [])
        found = []
        for index, segment in enumerate(given["flights"]):
            kept = [b for b in before if all(b[k] == segment[k] for k in ("flight_number", "date"))]
            if kept and given["cabin"] == record.get("cabin"):
                continue
            place = kept[0] if kept else before[index] if index < len(before) else record
            found.append((place.get("origin", ""), place.get("destination", ""), segment))
        return found

    def _difference(self, given: Mapping[str, Any], past: Past) -> float:
        """Return what a change costs (negative: pays back), as far as the look-ups tell."""
        record = self._record(given, past)
        fresh = self._fresh(given, past)
        numbers = [segment["flight_number"] for _, _, segment in fresh]
        cost = sum(
            -flight["price"]
            for flight in record.get("flights", ())
            if given["cabin"] != record["cabin"] or not any(words.same(flight, segment) for segment in given["flights"])
        )
        for origin, destination, segment in fresh:
            made = past.result(
                "search_direct_flight", {"origin": origin, "destination": destination, "date": segment["date"]}
            )
            found = made.value if made is not None and isinstance(made.value, list) else []
            cost += sum(f["prices"][given["cabin"]] for f in found if f["flight_number"] == segment["flight_number"])
        return float(cost * len(record.get("passengers", ()))) if numbers or cost else 0.0

    def _method(self, task: Task, payment_id: str, past: Past) -> str:
        method = self._profile(task, past).get("payment_methods", {}).get(payment_id, {})
        match method.get("source"):
            case "credit_card":
                return f"your {str(method.get('brand', 'credit')).title()} card ending in {method.get('last_four', '')}"
            case "gift_card":
                return f"your gift card {payment_id}"
            case "certificate":
                return f"your certificate {payment_id}"
            case _:
                return payment_id
