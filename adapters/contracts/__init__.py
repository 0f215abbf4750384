"""Certificate pools that make contract certificates for plug and charge."""
