"""Chapter one: everybody joins. The hub, two platforms, the city, its charging stations, and the cards."""

import json
import sys
from pathlib import Path

from examples import city
from examples.stage import CPMS, EMSP, HUB, JSON, LOCATIONS, SAMPLE_CPO, SAMPLE_EMSP, Stage, check, emall, held, until

STATIONS = LOCATIONS // 2  # of each version
BOUGHT = "AC9001"  # the station that is bought in the story


def start_hub(stage: Stage) -> None:
    """Start ``emall serve`` on SQLite, and wait until it answers."""
    stage.run(
        [
            *emall(), "serve", "--port", str(stage.hub_port), "--data", str(stage.folder), "--allow-private-peers",
            "--hub-id", HUB, "--cpo-id", CPMS, "--emsp-id", EMSP, "--ocpp-port", str(stage.ocpp_port),
        ],
        EMALL_TERMS=str(_terms(stage)),
    )  # fmt: skip
    until(lambda: stage.answers(stage.versions_url) == 401, "the hub answers")
    held(f"{stage.versions_url} answers, and to strangers 401")
    until(lambda: "stations connect to" in stage.log(0), "our own parties have joined")
    listed = {party for each in stage.emall("party", "list") for party in each["parties"]}
    check({CPMS, EMSP} <= listed, f"{CPMS} and {EMSP} are registered like any other platform")


def _terms(stage: Stage) -> Path:
    """Return the file of our eMSP's terms: a tenth on prices, and cars that charge faster than the clock."""
    file = stage.folder / "terms.json"
    money = {"margins": {"EUR": {"percent": 10}}, "tolerance": {"power": 1_000_000}}
    file.write_text(json.dumps({"money": money}))
    return file


def handshake(stage: Stage) -> None:
    """Invite both samples by the real command and start them; they do the rest."""
    for name, role, port, module, party in (
        ("Sample CPO", "CPO", stage.cpo_port, "examples.sample_cpo", SAMPLE_CPO),
        ("Sample eMSP", "EMSP", stage.emsp_port, "examples.sample_emsp", SAMPLE_EMSP),
    ):
        invited = stage.emall("party", "invite", "--name", name, "--role", role)
        url = invited["versions_url"]
        stage.run([sys.executable, "-m", module, "--port", str(port), "--hub", url, "--token", invited["token"]])

        def connected(party: str = party) -> JSON:
            listed = stage.emall("party", "list")
            return next((e for e in listed if party in e["parties"] and e["status"] == "CONNECTED"), None)

        connection = until(connected, f"{name} is connected")
        held(f"{name} ({party}) is CONNECTED and speaks {connection['version']}")


def import_city(stage: Stage) -> None:
    """Import through the CPMS; the sample eMSP must have every object in the end."""
    locations, tariffs = city.internal_locations(LOCATIONS), city.internal_tariffs()
    for module, objects in (("tariffs", tariffs), ("locations", locations)):
        file = stage.folder / f"{module}.json"
        file.write_text(json.dumps(objects))
        told = stage.emall("import", module, str(file))
        check(told["imported"] == len(objects), f"{told['imported']} of {len(objects)} {module} imported")
    until(lambda: {each["id"] for each in locations} <= _known(stage, "locations"), "the Locations have arrived")
    until(lambda: {"AC", "DC"} <= _known(stage, "tariffs"), "the Tariffs have arrived")
    held(f"{len(locations)} Locations and {len(tariffs)} Tariffs stand at the sample eMSP")


def _known(stage: Stage, module: str) -> set[str]:
    """Return the ids the sample eMSP has of our CPMS."""
    return {each["id"] for each in stage.sample_emsp()[module] if f"{each['country_code']}-{each['party_id']}" == CPMS}


def external_city(stage: Stage) -> None:
    """What the sample CPO pushed in 2.2.1 must be at our eMSP, which speaks 2.3.0."""
    theirs = {each["id"] for each in city.external_locations()}
    until(lambda: theirs <= {each["id"] for each in stage.emall("emsp", "list", "locations")}, "they arrived")
    held(f"{len(theirs)} Locations of the sample CPO stand at our eMSP")
    tariffs = until(
        lambda: [each for each in stage.emall("emsp", "list", "tariffs") if each["party_id"] == "CPX"], "tariffs"
    )
    check("tax_included" in tariffs[0], "raised from 2.2.1: its Tariffs say tax_included now")


def connect_chargers(stage: Stage) -> None:
    """A fleet of each version connects; stations are known, each fleet by a password of its own."""
    fleet = ("--count", str(STATIONS), "--connectors", "2", "--meter-interval", "1")
    stage.simulate("AC", "--version", "1.6", *fleet)
    stage.simulate("DC", "--version", "2.0.1", "--speed", "18", *fleet)
    for prefix, version in (("AC", "1.6"), ("DC", "2.0.1")):
        held(f"{len(stage.ready(prefix))} stations of OCPP {version} have booted at {stage.ocpp_url}")
    listed = stage.emall("cpms", "station", "list")
    check(
        {each["security_profile"] for each in listed} == {1}, f"{len(listed)} stations are known, by security profile 1"
    )


def connect_bought(stage: Stage) -> None:
    """A station nobody knows is turned away; once added it connects with the password made for it."""
    command = [sys.executable, "-m", "examples.charger", stage.ocpp_url, BOUGHT]
    stranger = stage.run(command)
    check(stranger.wait(20) != 0, f"{BOUGHT}, whom nobody added, is turned away")
    added = stage.emall("cpms", "station", "add", BOUGHT)
    held(f"emall cpms station add {BOUGHT}: a password of {len(added['password'])} characters is made")
    stage.run([*command, "--password", added["password"]])

    def seen() -> bool:
        return any(each["id"] == BOUGHT and each["vendor"] for each in stage.emall("cpms", "station", "list"))

    until(seen, f"{BOUGHT} has booted")
    held(f"{BOUGHT} has booted; examples/charger.py is all of it")


def tokens(stage: Stage) -> None:
    """Both eMSPs' tokens must be at both CPOs."""
    stage.emall("emsp", "token", "OUR-CARD-1")
    wanted = {"APP-1", "CARD-1", "OUR-CARD-1"}
    until(lambda: wanted <= {each["uid"] for each in stage.sample_cpo()["tokens"]}, "the sample CPO has them")
    held(f"the sample CPO knows {', '.join(sorted(wanted))}")
    until(lambda: wanted <= {each["uid"] for each in stage.emall("cpms", "list", "tokens")}, "our CPMS has them")
    held("our CPMS knows them too")


STEPS = [
    ("The hub starts, with our CPMS and our eMSP behind their own OCPI doors", start_hub),
    ("Two external platforms register by the credentials handshake", handshake),
    (f"{city.CITY} is imported into our CPMS and broadcast", import_city),
    ("The sample CPO's Locations and Tariffs reach our eMSP", external_city),
    ("Tokens are pushed to every CPO", tokens),
]
CHARGERS = [
    ("The city's charging stations connect to our CPMS", connect_chargers),
    ("A station is bought, added and connected", connect_bought),
]
