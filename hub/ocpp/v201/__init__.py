"""OCPP 2.0.1: all functional blocks a CSMS has.

Source: OCPP 2.0.1 edition 3, part 2.
"""

from hub.ocpp.v201.certificates import CertificateService, NoCertificates
from hub.ocpp.v201.dialect import Dialect201

__all__ = ["CertificateService", "Dialect201", "NoCertificates"]
