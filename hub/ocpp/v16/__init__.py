"""OCPP 1.6: Core, Firmware Management, Local Auth List, Reservation, Smart Charging, Remote Trigger, and security.

Source: OCPP 1.6 edition 2; OCPP-J 1.6; Improved security for OCPP 1.6-J, edition 3.
"""

from hub.ocpp.v16.dialect import Dialect16

__all__ = ["Dialect16"]
