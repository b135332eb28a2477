# A cache for vumi2's SMPP transport by which every receipt about an SMS is passed on. vumi2's own forgets an SMS with
# the first receipt about it, whatever that says; SMSCs send several.
from vumi2.transports.smpp.smpp_cache import InMemorySmppCache


class SmppCacheThatKeeps(InMemorySmppCache):
    async def get_smpp_message_id(self, smpp_message_id):
        return self._smpp_msg_id[smpp_message_id]

    async def delete_smpp_message_id(self, smpp_message_id):
        pass
