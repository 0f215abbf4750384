"""The reception: who is connected, by which token, in which roles and versions, and how alive they are."""
