"""The switch: an OCPI roaming hub; its files route, its folders are protocols and parties."""
