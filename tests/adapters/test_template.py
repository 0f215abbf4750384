"""The template keeps the contract by refusing everything."""

import pytest

from adapters.cpms.template import TemplateCpms
from tests.adapters.contract import CpmsContract


class TestTemplateCpms(CpmsContract):
    supports = frozenset()

    @pytest.fixture
    def cpms(self):
        return TemplateCpms()
