"""Who is warned of alarms: implementations of ``hub.cpms.alarms.OperationCentre``."""
