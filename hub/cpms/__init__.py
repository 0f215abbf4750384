"""The operator (CPO): any CPMS behind one OCPI face."""
