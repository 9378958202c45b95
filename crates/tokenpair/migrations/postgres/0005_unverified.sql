-- Ours: who signed up and did not prove the e-mail address yet. Django never notices it, and it may be dropped: who is in
-- it then stays inactive until an operator lets them in. No foreign key, as Django deletes users without asking.
CREATE TABLE "tokenpair_unverified" (
    "user_id" varchar(255) NOT NULL PRIMARY KEY
);
