"""The tree of what may be wrong with a message, and the word each version has for it.

CallFault
├── RpcFrameworkError               the frame is no RPC message
├── MessageTypeNotSupported
├── FormatViolation                 the payload is no payload of the action (1.6: FormationViolation)
├── ProtocolError
├── NotImplementedHere              no such action in this version (NotImplemented)
├── NotSupported                    an action of the version that nothing here answers
├── SecurityError
├── InternalError
├── GenericError
├── PropertyConstraintViolation     a value that may not be
├── OccurrenceConstraintViolation   too few or too many (1.6: OccurenceConstraintViolation)
└── TypeConstraintViolation         a value of another type

Source: OCPP-J 1.6, 4.2.3; OCPP-J 1.6 errata, 5.1 and 5.2 (the two names of 1.6 stay misspelled);
OCPP 2.0.1 part 4, 4.3.
"""

from typing import Any, ClassVar


class CallFault(Exception):
    """A CALL is answered with a CALLERROR.

    Attributes:
        code: as 2.0.1 and later spell it.
        code16: as 1.6 spells it.
        details: names the JSON path and the rule, where there are such.
    """

    code: ClassVar[str]
    code16: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.code = cls.__dict__.get("code", cls.__name__)
        cls.code16 = cls.__dict__.get("code16", cls.code)

    def __init__(self, description: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.details = details or {}

    def code_in(self, version: str) -> str:
        """Return the error code of a version, such as 1.6."""
        return self.code16 if version == "1.6" else self.code


class RpcFrameworkError(CallFault):
    """What came is no message of the RPC framework, or its message id cannot be read."""

    code16 = "FormationViolation"


class MessageTypeNotSupported(CallFault):
    """The version has no message of this type number."""

    code16 = "FormationViolation"


class FormatViolation(CallFault):
    """The payload does not have the structure of the action's."""

    code16 = "FormationViolation"


class ProtocolError(CallFault):
    """The message may not come now, or is incomplete."""


class NotImplementedHere(CallFault):
    """The version has no such action."""

    code = "NotImplemented"


class NotSupported(CallFault):
    """The action is known, and nothing here answers it."""


class SecurityError(CallFault):
    """The station may not do this."""


class InternalError(CallFault):
    """The message could not be processed, by no fault of its own."""


class GenericError(CallFault):
    """Any other."""


class PropertyConstraintViolation(CallFault):
    """A value that its field may not have."""


class OccurrenceConstraintViolation(CallFault):
    """A field that is missing, or an array with too few or too many items."""

    code16 = "OccurenceConstraintViolation"


class TypeConstraintViolation(CallFault):
    """A value that is not of its field's data type."""
