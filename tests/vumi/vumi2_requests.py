# Reads what comes to vumi2's AAT USSD transport, a line each: `["request", id]`, a user has dialled or typed, and the
# message has this id; `["message", body]`, a message to a user. Writes, as JSON, what becomes of each message: the words
# on the screen and whether that stays open; `nack`, why it is refused; or `raised`, when the request that it answers is
# not open: then the transport says nothing at all. As vumi2's aat_ussd.py and http_rpc.py do it (commit 61767b7).
import json
import sys

import cattrs
from vumi2_messages import Message
from vumi2_transports import on_aat

requests = set()


def take(message):
    made = on_aat(message)
    if "nack" in made:
        return made
    try:
        requests.remove(message.in_reply_to)
    except KeyError as error:
        return {"raised": str(error)}
    # Where the user's next message comes to.
    return {**made, "callback": message.from_addr}


became = []
for kind, value in map(json.loads, sys.stdin):
    if kind == "request":
        requests.add(value)
    else:
        became.append(take(cattrs.structure(json.loads(value), Message)))
print(json.dumps(became))
