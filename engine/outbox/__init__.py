"""The outbox: what each channel is to hear is written down before it is sent, and every invocation sends what is owed.

`store` is the table with its conditional writes, `digest` what is known of many events, `rows` what an incident's row is and when
its channel hears of it, `operations` the writes that enter events, share a webhook's rate, and send each row once.
"""
