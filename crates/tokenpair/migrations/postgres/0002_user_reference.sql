-- The last statement of a migration: from here to its commit, users cannot be written.
ALTER TABLE "token_blacklist_outstandingtoken" ADD CONSTRAINT "{user_constraint}" FOREIGN KEY ("user_id") REFERENCES "{user_table}" ("{user_key}") DEFERRABLE INITIALLY DEFERRED;
