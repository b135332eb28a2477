# Reads a message to a user from each line of its input, as vumi2 does, and writes what two of its transports make of
# each, as JSON: `aat`, the words on the screen of an AAT USSD session and whether that stays open; `smpp`, what a phone
# shows of the bytes of a short_message, and how many those are. `nack` is why one refuses. They do what vumi2's
# aat_ussd.py, smpp/processors.py and smpp/codecs.py do (commit 61767b7), as far as that concerns the message.
import json
import sys
import xml.etree.ElementTree as ET

import cattrs
from vumi2_messages import Message, Session

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {"^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}


def on_aat(message):
    if not message.in_reply_to:
        return {"nack": "not a reply"}
    if not message.content:
        return {"nack": "no content"}
    request = ET.Element("request")
    ET.SubElement(request, "headertext").text = message.content
    if message.session_event != Session.CLOSE:
        ET.SubElement(ET.SubElement(request, "options"), "option", {"command": "1"})
    # The gateway reads what the transport has written.
    screen = ET.fromstring(ET.tostring(request, encoding="utf-8"))
    return {"text": screen.findtext("headertext"), "open": screen.find("options") is not None}


def by_smpp(message):
    septets = []
    for character in message.content or "":
        if character in BASIC:
            septets.append(BASIC.index(character))
        elif character in EXTENSION:
            septets += [27, EXTENSION[character]]
        else:
            return {"nack": f"not in GSM-7: {character}"}
    shown, rest = "", iter(septets)
    for septet in rest:
        shown += {code: char for char, code in EXTENSION.items()}[next(rest)] if septet == 27 else BASIC[septet]
    return {"text": shown, "septets": len(septets), "to": message.to_addr, "from": message.from_addr}


if __name__ == "__main__":
    messages = [cattrs.structure(json.loads(line), Message) for line in sys.stdin]
    print(json.dumps([{"aat": on_aat(message), "smpp": by_smpp(message)} for message in messages]))
