"""CPMSs behind hub.cpms.ports.Cpms."""
