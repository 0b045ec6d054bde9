"""The questions that the server asks of a store, whichever store answers them: protocols.

`uniqc_store` answers them from SQLite, and says more of each answer. It knows nothing of these
protocols, which belong to the one who asks: they have no method that the server does not call.
They import nothing but the values of the store.
"""
