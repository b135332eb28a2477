# Reads, from each line of its input, `[kind, body]`: the body of a message or an event, as vumi2 does.
# Writes a list of what it has read, as JSON: null where it can't. The classes are those of vumi2's src/vumi2/messages.py
# (https://github.com/praekeltfoundation/vumi2, commit 61767b7), as far as reading goes.
import json
import sys
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Optional
from uuid import uuid4

import cattrs
from attrs import Factory, define, field


def deserialise_vumi_timestamp(value: str, _: Any) -> datetime:
    if value.endswith("Z"):
        value = value[:-1]
    if "." not in value[-10:]:
        value = f"{value}.0"
    return datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)


cattrs.register_structure_hook(datetime, deserialise_vumi_timestamp)
cattrs.register_unstructure_hook(datetime, lambda value: value.isoformat())

Session = Enum("Session", {"NONE": None, "NEW": "new", "RESUME": "resume", "CLOSE": "close"})
TransportType = Enum("TransportType", {name: name for name in (
    "http_api", "irc", "telnet", "twitter", "sms", "ussd", "xmpp", "mxit", "wechat")})
AddressType = Enum("AddressType", {name: name for name in (
    "irc_nickname", "twitter_handle", "msisdn", "gtalk_id", "jabber_id", "mxit_id", "wechat_id")})
EventType = Enum("EventType", {name: name for name in ("ack", "nack", "delivery_report")})
DeliveryStatus = Enum("DeliveryStatus", {name: name for name in ("pending", "failed", "delivered")})


def now() -> datetime:
    return datetime.now(tz=timezone.utc)


def new_id() -> str:
    return uuid4().hex


@define
class Message:
    to_addr: str
    from_addr: str
    transport_name: str
    transport_type: TransportType
    message_version: str = "20110921"
    message_type: str = "user_message"
    timestamp: datetime = Factory(now)
    routing_metadata: dict = Factory(dict)
    helper_metadata: dict = Factory(dict)
    message_id: str = Factory(new_id)
    in_reply_to: Optional[str] = None
    provider: Optional[str] = None
    session_event: Session = Session.NONE
    content: Optional[str] = None
    transport_metadata: dict = Factory(dict)
    group: Optional[str] = None
    to_addr_type: Optional[AddressType] = None
    from_addr_type: Optional[AddressType] = None


@define
class Event:
    user_message_id: str
    event_type: EventType = field()
    message_version: str = "20110921"
    message_type: str = "event"
    timestamp: datetime = Factory(now)
    routing_metadata: dict = Factory(dict)
    helper_metadata: dict = Factory(dict)
    transport_metadata: Optional[dict] = Factory(dict)
    event_id: str = Factory(new_id)
    sent_message_id: Optional[str] = None
    nack_reason: Optional[str] = None
    delivery_status: Optional[DeliveryStatus] = None

    @event_type.validator
    def _check_event_type(self, _, value: EventType) -> None:
        needed = {
            EventType.ack: self.sent_message_id,
            EventType.nack: self.nack_reason,
            EventType.delivery_report: self.delivery_status,
        }
        if needed[value] is None:
            raise ValueError("required")


def read(kind: str, body: str):
    try:
        value = cattrs.structure(json.loads(body.encode()), {"message": Message, "event": Event}[kind])
        return cattrs.unstructure(value)
    except Exception:
        return None


def plain(value):
    """Without what JSON has not: of metadata it matters only that it can be read."""
    return value if isinstance(value, (str, type(None))) else str(value)


if __name__ == "__main__":
    results = [read(*json.loads(line)) for line in sys.stdin]
    print(json.dumps([
        None if result is None else {name: plain(value) for name, value in result.items()}
        for result in results
    ]))
