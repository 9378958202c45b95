-- Ours: what people signed up with who have yet to prove their e-mail address. They are no users before that, so that Django
-- never notices them. It may be dropped: whoever is in it signs up once more. created_at counts microseconds since 1970.
CREATE TABLE "tokenpair_unverified" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "username" varchar(254) NOT NULL,
    "email" varchar(254) NOT NULL COLLATE NOCASE,
    "first_name" varchar(150) NOT NULL,
    "last_name" varchar(150) NOT NULL,
    "password" varchar(128) NOT NULL,
    "created_at" bigint NOT NULL
);
CREATE INDEX "tokenpair_unverified_email" ON "tokenpair_unverified" ("email");
CREATE INDEX "tokenpair_unverified_created_at" ON "tokenpair_unverified" ("created_at");
