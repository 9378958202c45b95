-- Ours: the sessions of users. Django never notices it, and it may be dropped.
-- Times are integers: seconds (expires_at) and microseconds (the rest) since 1970. user_id is the primary key as a text,
-- whatever its type, and refers to no table.
CREATE TABLE "tokenpair_session" (
    "user_id" text NOT NULL,
    "id" varchar(255) NOT NULL,
    "jti" varchar(255) NOT NULL,
    "created_at" bigint NOT NULL,
    "refreshed_at" bigint NOT NULL,
    "expires_at" bigint NOT NULL,
    "ended_at" bigint NULL,
    "address" varchar(45) NULL,
    "user_agent" varchar(512) NULL,
    PRIMARY KEY ("user_id", "id")
) WITHOUT ROWID;
CREATE INDEX "tokenpair_session_expires_at" ON "tokenpair_session" ("expires_at");
CREATE INDEX "tokenpair_session_jti" ON "tokenpair_session" ("user_id", "jti");
