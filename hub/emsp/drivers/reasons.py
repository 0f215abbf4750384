"""Why a charge may not begin, in the driver's language.

Source: OCPI 2.3.0, mod_tokens.asciidoc (AuthorizationInfo.info), types.asciidoc (DisplayText); GEM-UC-1502, X-64.
"""

from typing import Literal

from hub.ocpi.objects import JSONObject

Reason = Literal["BLOCKED", "REMOVED", "GONE", "EXPIRED", "NO_AGREEMENT", "NOT_HERE", "NO_CREDIT"]

TEXTS: dict[Reason, dict[str, str]] = {
    "BLOCKED": {
        "en": "Your card or account is blocked. Please call your provider.",
        "de": "Ihre Karte oder Ihr Konto ist gesperrt. Bitte rufen Sie Ihren Anbieter an.",
        "it": "La carta o il conto è bloccato. Contatti il suo fornitore.",
    },
    "REMOVED": {
        "en": "This card was taken off your account. Please use another one.",
        "de": "Diese Karte gehört nicht mehr zu Ihrem Konto. Bitte nehmen Sie eine andere.",
        "it": "Questa carta non appartiene più al suo conto. Ne usi un'altra.",
    },
    "GONE": {
        "en": "This account is closed.",
        "de": "Dieses Konto ist geschlossen.",
        "it": "Questo conto è chiuso.",
    },
    "EXPIRED": {
        "en": "Your card or contract has expired. Please renew it with your provider.",
        "de": "Ihre Karte oder Ihr Vertrag ist abgelaufen. Bitte erneuern Sie ihn bei Ihrem Anbieter.",
        "it": "La carta o il contratto è scaduto. Lo rinnovi presso il suo fornitore.",
    },
    "NO_AGREEMENT": {
        "en": "Your provider has no agreement with this operator.",
        "de": "Ihr Anbieter hat keinen Vertrag mit diesem Betreiber.",
        "it": "Il suo fornitore non ha un accordo con questo gestore.",
    },
    "NOT_HERE": {
        "en": "Your contract does not cover this location.",
        "de": "Ihr Vertrag gilt nicht an diesem Standort.",
        "it": "Il suo contratto non vale in questo luogo.",
    },
    "NO_CREDIT": {
        "en": "Your credit is not enough. Please top up.",
        "de": "Ihr Guthaben reicht nicht. Bitte laden Sie es auf.",
        "it": "Il credito non basta. Effettui una ricarica.",
    },
}


def display_text(reason: Reason, language: str, said: str = "") -> JSONObject:
    """Return what a driver is told, in his language where it is known here.

    Args:
        said: what somebody wrote for him; it takes the place of our words, at most 512 characters.
    """
    texts = TEXTS[reason]
    if said:
        return {"language": language, "text": said[:512]}
    spoken = language if language in texts else "en"
    return {"language": spoken, "text": texts[spoken]}
