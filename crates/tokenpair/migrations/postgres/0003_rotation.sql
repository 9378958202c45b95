-- Ours: which token was exchanged for which. Django never notices it, and it may be dropped.
-- Times are integers: microseconds (rotated_at) and seconds (the rest) since 1970.
CREATE TABLE "tokenpair_rotation" (
    "parent_jti" varchar(255) NOT NULL PRIMARY KEY,
    "line_id" varchar(255) NOT NULL,
    "successor_jti" varchar(255) NOT NULL UNIQUE,
    "successor_iat" bigint NOT NULL,
    "successor_exp" bigint NOT NULL,
    "parent_exp" bigint NOT NULL,
    "rotated_at" bigint NOT NULL
);
CREATE INDEX "tokenpair_rotation_parent_exp" ON "tokenpair_rotation" ("parent_exp");
CREATE INDEX "tokenpair_rotation_line" ON "tokenpair_rotation" ("line_id", "rotated_at");
