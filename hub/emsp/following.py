"""A shelf that others follow: whoever must know of what is put on it hears of it in the same transaction."""

from collections.abc import Awaitable, Callable

from hub.database.contract import Transaction
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.shelves import YES, Shelf

#: Takes an owner's object as it is now, before it is committed; awaits nothing but the transaction.
Follower = Callable[[Transaction, Party, JSONObject], Awaitable[None]]


class FollowedShelf(Shelf):
    """A shelf with followers.

    Attributes:
        followers: told of every object that is put, in this order.
    """

    followers: tuple[Follower, ...] = ()

    def follow(self, follower: Follower) -> None:
        """Tell another one from now on."""
        self.followers = (*self.followers, follower)

    async def put(
        self,
        tx: Transaction,
        owner: Party,
        object_id: str,
        value: JSONObject,
        *,
        receiver: str | None = None,
        received: int = YES,
    ) -> bool:
        """Write an object and let the followers make of it what they will; return whether it is new."""
        created = await super().put(tx, owner, object_id, value, receiver=receiver, received=received)
        for each in self.followers:
            await each(tx, owner, value)
        return created
