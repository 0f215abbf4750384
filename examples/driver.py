"""A driver of our eMSP, in one file: from signing up to the receipt, over the API an app would use.

Against the demo, once its story is told::

    .venv/bin/python -m examples.driver http://127.0.0.1:8000 --letters FOLDER/letters

where FOLDER is the demo's data. She books the next half hour and starts when it begins; where that is further off
than ``--wait``, or nothing can be booked, she charges on the fly. She follows her charge live, stops it by hand, and
saves the receipt where this is run. The sample CPO's stations plug their cars in by themselves, and charge in a second
what takes an hour, so the power shown is high.

Only HTTP is used: what stands here can be written in any language.
"""

import argparse
import datetime
import email
import email.policy
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

JSON = Any

PASSWORD = "tulips in a glass house"
ENOUGH = 2.0  # kWh after which she stops
PATIENCE = 60.0  # seconds until what must come is missed


class Refused(Exception):
    """The API refused something: a problem (RFC 9457)."""


class DriverApp:
    """What an app knows: the API, and who is logged in.

    Args:
        url: of the eMSP's API, ``http://127.0.0.1:8000/emsp/api/v1``.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._run, self._keys = uuid.uuid4().hex, itertools.count(1)

    def ask(self, method: str, path: str, body: JSON = None, **query: str) -> JSON:
        """Ask one thing; each request has an idempotency key of its own, which a repeated one would have again."""
        headers = {"Idempotency-Key": f"{self._run}-{next(self._keys)}"}
        answer = self._http.request(method, path, json=body, params=query or None, headers=headers)
        if not answer.is_success:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        if "json" in answer.headers.get("content-type", ""):
            return answer.json()
        return answer.content

    def get(self, path: str, **query: str) -> JSON:
        """Look at something."""
        return self.ask("GET", path, **query)

    # -- an account --------------------------------------------------------------------------------

    def sign_up(self, letters: Path, *, name: str, plate: str) -> None:
        """Sign up with a car of the catalogue, follow the link of the letter, and log in."""
        address = f"{name.lower()}-{self._run[:8]}@driver.example"
        person = {
            "name": name, "surname": "Janssen", "birth_date": "1990-04-27", "email": address,
            "password": PASSWORD, "password_again": PASSWORD,
        }  # fmt: skip
        vehicle = {"plate": plate, "plate_country": "IT", "model_id": self.get("/vehicle-models")[0]["id"]}
        self.ask("POST", "/sign-up", {"person": person, "vehicle": vehicle})
        self.ask("POST", "/sign-up/confirmation", {"token": self._token_in(letters, address)})
        login = self.ask("POST", "/driver/login", {"email": address, "password": PASSWORD})
        self._http.headers["Authorization"] = f"Bearer {login['token']}"

    def _token_in(self, letters: Path, address: str) -> str:
        for file in sorted(letters.iterdir(), reverse=True):
            letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if letter["To"] == address:
                return str(letter.get_content()).partition("?token=")[2].split()[0]
        raise Refused(f"no letter to {address} in {letters}")

    def pay_with(self, token: str) -> JSON:
        """Save a payment method by the token the payment provider's own form gave."""
        return self.ask("POST", "/payment-methods", {"token": token, "return_url": "https://app.example/back"})

    # -- a booking ---------------------------------------------------------------------------------

    def slots(self, place: JSON) -> JSON:
        """Return when a charge point can be booked."""
        owner = place["owner"].replace("-", "/")
        return self.get(f"/locations/{owner}/{place['location_id']}/evses/{place['evse_uid']}/slots")

    def book_next(self, place: JSON) -> JSON | None:
        """Book the next free half hour at a charge point; None: nothing can be booked there."""
        free = [each for each in self.slots(place)["slots"] if each["state"] == "FREE"]
        if not free:
            return None
        times = {name: free[0][name] for name in ("starts_at", "ends_at")}
        return self.ask("POST", "/bookings", {"place": place, **times})

    # -- a charge ----------------------------------------------------------------------------------

    def begin(self, place: JSON, *, wait: datetime.timedelta) -> JSON:
        """Start a charge: the one that is booked, if its time comes soon, else on the fly."""
        booking = self.book_next(place)
        if booking is not None:
            left = datetime.datetime.fromisoformat(booking["starts_at"]) - datetime.datetime.now(datetime.UTC)
            print(f"booked from {booking['starts_at']} ({booking['way']}, {booking['state']})")
            if left <= wait:
                time.sleep(max(0.0, left.total_seconds()))
                self.until(f"/bookings/{booking['id']}", "RESERVED")
                return self.ask("POST", f"/bookings/{booking['id']}/start", {"limits": {"energy_kwh": 5}})
            self.ask("POST", f"/bookings/{booking['id']}/cancel")
            print(f"that is {left.total_seconds() / 60:.0f} minutes off: cancelled, and on the fly instead")
        return self.ask("POST", "/charges", {"place": place, "limits": {"energy_kwh": 5}})

    def follow(self) -> Iterator[JSON]:
        """Yield how far the charges are, as the eMSP tells it (server-sent events)."""
        with self._http.stream("GET", "/live-charges") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def until(self, path: str, *states: str) -> JSON:
        """Return a thing once it is in one of some states."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            seen = self.get(path)
            if seen["state"] in states:
                return seen
            time.sleep(0.2)
        raise Refused(f"{path} is not {' or '.join(states)} within {PATIENCE:g} s but {seen['state']}")

    def bill(self, charge_id: str) -> JSON:
        """Return the bill of a charge once it is paid."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for each in self.get("/bills")["items"]:
                if each["reference"] == charge_id and each["state"] == "PAID":
                    return each
            time.sleep(0.2)
        told = [each["text"] for each in self.get("/notifications")["items"]]
        raise Refused(f"charge {charge_id} is not paid within {PATIENCE:g} s; the driver was told: {told}")

    def receipt(self, folder: Path) -> Path:
        """Save the last receipt as a file."""
        number = self.get("/receipts")["items"][0]["number"]
        file = folder / f"{number}.pdf"
        file.write_bytes(self.get(f"/receipts/{number}/pdf"))
        return file


def main() -> None:
    """Tell the story of one driver."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the server")
    parser.add_argument("--letters", type=Path, required=True, help="folder of the letters it sends")
    parser.add_argument("--operator", default="BE-CPX", help="CC-PID of the CPO to charge at")
    parser.add_argument("--wait", type=float, default=5, help="minutes she waits for a booking to begin")
    asked = parser.parse_args()

    app = DriverApp(f"{asked.url}/emsp/api/v1")
    app.sign_up(asked.letters, name="Noor", plate=f"AB {uuid.uuid4().int % 1000:03} CD")
    print("signed up, payment:", app.pay_with("sim_ok")["label"])
    found = app.get("/search", near="52.63,4.25", available="true", operators=asked.operator, limit="1")["items"][0]
    place = {name: found[name] for name in ("owner", "location_id", "evse_uid")}
    print("found:", place)
    charge = app.begin(place, wait=datetime.timedelta(minutes=asked.wait))
    if place["owner"] == "BE-CPX":
        print("the sample CPO gives 2.5 kWh a second, for time runs faster there: high power, and a stop comes late")
    stopped = False
    for seen in app.follow():
        if seen["id"] != charge["id"]:
            continue
        print(f"{seen['state']}: {seen['kwh'] or 0} kWh, {seen['kw'] or 0} kW, {seen['cost'] or 0} {seen['currency']}")
        if seen["state"] not in ("ASKED", "ACCEPTED", "STARTED", "CHARGING", "STOPPING"):
            break
        if not stopped and seen["state"] == "CHARGING" and float(seen["kwh"] or 0) >= ENOUGH:
            print("that is enough:", app.ask("POST", f"/charges/{charge['id']}/stop")["state"])
            stopped = True
    print("paid:", app.bill(charge["id"])["amount"], "receipt:", app.receipt(Path()))


if __name__ == "__main__":
    main()
