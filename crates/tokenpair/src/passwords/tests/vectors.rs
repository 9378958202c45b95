//! Hashes made by Django 5.2.19 with argon2-cffi 25.1 and bcrypt 5.0, and their passwords.

/// Cheap ones, of every form that Django can read.
pub(super) const CHEAP: &[(&str, &str)] = &[
    (
        "password",
        "pbkdf2_sha256$1$pdjpiDQIkCWu6wjbRJyl48$QkDfr6N5Iv8sv0Q/mM0LeWKhRAK+BK1EuPjBqW/GWoI=",
    ),
    (
        "pässwörd",
        "pbkdf2_sha256$2$BZyFas0W0hJzElFmQtak2t$LlBzNOx94ZB7m3MqJrCv8rAtjJRsaDLqSF3UoMbp4Jo=",
    ),
    (
        "пароль密码🔑",
        "pbkdf2_sha256$7$OrTIbppc154RX4APi241Cq$RxlDiGehKAyCw/vF6WX0ISNT50JLcA55vMlIFQK4ifo=",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "pbkdf2_sha256$100$MNlkRs5eWKGzFS0KgWwZFJ$cF8h1th4qT2DlDToPtS1BlH5ZeaOeE0LdsDQQDnKQCQ=",
    ),
    (
        "  outer blanks  ",
        "pbkdf2_sha256$1000$183Q3jJdmRB1NnB3W0f5Bt$U59AmEzAIA6I0nx7pLOl+hNEa9jxexYkGhlUSEqQrQU=",
    ),
    (
        "nul\u{0}inside",
        "pbkdf2_sha256$260$bsghXeZw2sp0fpqzYRFUBE$+9mptcDVxILcXZdn43LE8G4YXJeQbXUo7bU9NtE31Bg=",
    ),
    (
        "quote\"back\\slash$dollar",
        "pbkdf2_sha256$3$dJ61TIKAfWfhbVUUNRQVJh$gUUpVGDgU/e3YitkU/84NAzZp/xXh+p2bQkK+DjzLhI=",
    ),
    (
        "password",
        "pbkdf2_sha1$50$CrYLRe3uL2tJeVBMcLsBEL$9ZoOM00vgmivOhGl9HO+ScvP8os=",
    ),
    (
        "pässwörd",
        "pbkdf2_sha1$50$GOV7lAQwjPndlOZQJG61Dh$yEvPZfW3oH9ICMIaTlhMa6I+d+k=",
    ),
    (
        "пароль密码🔑",
        "pbkdf2_sha1$50$qUzdb2h6TQcH15J878ZYz1$6NIUq2b6D4QcMu3z3sX5x5jbVJY=",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "pbkdf2_sha1$50$4pNC0aca3rv1Kw8mjacctZ$yxLbLNPgDg/QLjg21cKaaAGFuJU=",
    ),
    (
        "  outer blanks  ",
        "pbkdf2_sha1$50$EMfbxJ5nTryrEAVlyNmv2V$YzirVpPEYwZjN0xYEZqMzUyT+Yw=",
    ),
    (
        "short salt",
        "pbkdf2_sha256$10$s$VVwTtEb62deDe0el7Jf6hcdFPgbXPwlARe74Jn8vudk=",
    ),
    (
        "unicode salt",
        "pbkdf2_sha256$10$sel-é-🧂$30buetROOU8uO5Z3uyp1kyx7idVdbRgdsRmTWKxv8eQ=",
    ),
    (
        "long salt",
        "pbkdf2_sha256$10$012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789$MMnoKD0USJQ+45092UrQ+xqXnU39EGZOy4hJtEoDQVo=",
    ),
    (
        "",
        "pbkdf2_sha256$10$rFfg4SOodQmOQx0tVccXoW$9b8otNUNQ+r5HAk3P56ecCc6Z0t8ovydEYLNtqnMZ2o=",
    ),
    (
        "password",
        "argon2$argon2id$v=19$m=64,t=1,p=2$SUNPdjZNSUZ2NHpSVk1OTEVJMUJMYw$MGFl9S2qGUD7smWuSg1wH6ngB/pkonPz07bus7vZuQA",
    ),
    (
        "pässwörd",
        "argon2$argon2id$v=19$m=64,t=1,p=2$ZjJUUlBjdVlGWW91RnZISHVlaFg0NQ$bsQLSTswlmyl6gRh0gebFqE+AHgZ6IEs0Yoj0+BTRg8",
    ),
    (
        "пароль密码🔑",
        "argon2$argon2id$v=19$m=64,t=1,p=2$TjFlV2Y3VjN5enJHRHFMTllFbVhzMw$CGvjkKA5iCc5JwU8r+72pF9iiM/HVbZixqo1zGjyWK8",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "argon2$argon2id$v=19$m=64,t=1,p=2$RVFNRE5lMzc4V2s1Qk1BOHlCOFU3RQ$/AwwtDTPA84bkrsQu01ll9HqOVbEmtva8wqM11tG5Xo",
    ),
    (
        "  outer blanks  ",
        "argon2$argon2id$v=19$m=64,t=1,p=2$M0NCanZFZHRqOWdIUHRra1Z0aUlGbw$iz383ZVPxgqaHWj7vLGXomjP9Ev59jszCi2wM3szPsc",
    ),
    (
        "nul\u{0}inside",
        "argon2$argon2id$v=19$m=64,t=1,p=2$MHU4aWUybFRUczVnVWQ0cFA0TUpOZQ$TyWAaht2f9gU6iK8pwJOlpKJWb/l7VZwxtbVF1ldphA",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=19$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$AhewMw",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=19$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$h6F/XmTcyR5zGVfZTDYP8E7tehJMUw+QVjMbQrBVfn2YWw8z4HSNVaOcmz7FJuaqD06DBPrnBYEfDSRy+18MsA",
    ),
    (
        "argon2 variant",
        "argon2$argon2i$v=19$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$f7xyd6zfyWbFQCtcQRZW7Dbm3K+2ZGXAhfIQnaQNOog",
    ),
    (
        "argon2 variant",
        "argon2$argon2d$v=19$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$fc7JQQ2J0/F2G2L2q5wAbax3sGnpLPaFPDO2g2X7to8",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=16$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$UHweTLHjUl5iOS3iYzixg124OpTloqk4yeq2Lkxvzm8",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=19$m=24,t=2,p=1$MTIzNDU2Nzg$mQ6FU/BxH9ZuazO/g3lp1/lQBCkFkCymAwSTsXE/470",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=19$m=24,t=2,p=1$yMnKy8zNzs/Q0dLT1NXW1w$SeKOX5pmw9AQRovYUDJFSoHyOlbrnOOMJoB1jBgzqcg",
    ),
    (
        "argon2 variant",
        "argon2$argon2id$v=19$m=29,t=3,p=3$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$jf27tnYFk3ZICNTMbIqQYUzCUxnZqH8xc9VppbucwO0",
    ),
    (
        "argon2 1.0",
        "argon2$argon2i$m=24,t=2,p=1$c29tZXNhbHRzb21lc2FsdHNvbWVzYQ$si7C2L4kv9OfkC4C+x7jabRE/YWCL1Z8Mfh0qbayyyc",
    ),
    (
        "password",
        "bcrypt_sha256$$2b$04$3h5VUW6Vazirx1OSuuPg8.bxSyRojxvEbsXszTh5Sf051IU9NC.Zi",
    ),
    (
        "pässwörd",
        "bcrypt_sha256$$2b$04$p5rJRaFbmhZGLaLaAEY6/O3HjbpU.MPySK1WluXVfNRRXzlufhGLm",
    ),
    (
        "пароль密码🔑",
        "bcrypt_sha256$$2b$04$/7qeFrwp/E8w77Ssv4K37uuqN3JfA0afXI/yNy.ksnRMxjFvvuroe",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "bcrypt_sha256$$2b$04$xFKtlVB0PM6u6rnC9wDShuQQtYZvaeuccqftKEQWx0C0JZTOwZMOi",
    ),
    (
        "  outer blanks  ",
        "bcrypt_sha256$$2b$04$tmDkH9stmM8HH9/s0WJ0YOaf2jyXQasdbr.GGZLJ.bTmABIJt6Nvy",
    ),
    (
        "nul\u{0}inside",
        "bcrypt_sha256$$2b$04$znT4Dvs33VZ6tboFx6/DHePWHVf5jlvh4vRi5VlWNjfAdrGBvu19i",
    ),
    (
        "password",
        "bcrypt$$2b$04$FMZsfwYuqgkc7qI9UyhWUe1TnvUkuyuTMs9N3gG/JRwmJdZY9h6xC",
    ),
    (
        "пароль密码🔑",
        "bcrypt$$2b$04$kQ4uCQUvdNwZ3YO3kOw.T.7ohzu9f8REZKxCaaUo/YYUFNeYAy6KS",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "bcrypt$$2b$04$gPNSm4dJBXPxJTt7FZk3TuSnq8hgpz8ZoOyvbXafejU7S0o6WgASO",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "bcrypt$$2b$04$sqwYm5Gdt/qNYhOgbAOKFe8dtMpigYT3UTd6HCw07NEIeO17gfZEy",
    ),
    (
        "",
        "bcrypt$$2b$04$iBO5qjadGbKwMyhp.FActezS28sHGr.tBz4/0q/lch3Ef2zTr7XCC",
    ),
    (
        "prefix",
        "bcrypt$$2a$04$cXzgqKnYBGIsL.wQnAFgnuDM.dJmWp8Whfd/uKTX83Os2OhohUXk.",
    ),
    (
        "prefix",
        "bcrypt$$2y$04$cXzgqKnYBGIsL.wQnAFgnuDM.dJmWp8Whfd/uKTX83Os2OhohUXk.",
    ),
    (
        "password",
        "scrypt$16$48gehtp5Hd0SuTIdbttanr$2$2$30o93ACrXhIsTmU/ByjtHy4GU8/m9WR3LjnHHkk5501216BYUg6mVlmVlwatoIZYUGwDkMkZFD3dBvzo1hUqSA==",
    ),
    (
        "pässwörd",
        "scrypt$16$FxROSVleZNuD9TI8WsIseN$2$2$Tc9CSIHn4kiUrhxF6DIfzfosZEbI51FoYiKdkFojFlyuY0xpaqTo7KXIr22pUGPIw5qvg/6E4LNPGWzIOISRoQ==",
    ),
    (
        "пароль密码🔑",
        "scrypt$16$0xNcUI2pL6XJaVLkvPF5as$2$2$vpi36Y37qyxUQ5uo2uomBbEGM7LcimRZtCN+EfnxvplNZYeih8NOe+6f6H2RR78eiaOjM2p4HS2azhTUUAQ4mg==",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "scrypt$16$WAdo0Tc5xsRnimT27R52fl$2$2$VmmxljU35DSth8KeNImS5Pj40hKybGCAeOBSmCll06HA5lcFT7PMM/e/AHW0l5sm0zMV6qcHf+hHnHguk1MifQ==",
    ),
    (
        "  outer blanks  ",
        "scrypt$16$cmQ58K5Z4SIE3OekqlmqNT$2$2$I1ehStfk8YeWrsIIEaHObAtTCAyvJk6kgkmunM8Tjo3X3AcI58dvcsdLDAUOjiPbcNJXq03LKzk95q1itTBFYA==",
    ),
    (
        "nul\u{0}inside",
        "scrypt$16$6QNZjuAThFNV7KvK8QrLg1$2$2$9AjG9xjbcxu5/QfZ0yvvKp1Mwlfq/q62LvzcrqYRq//0EPxc6lJQgWGEPJBg557UZnu0xZfe7Caooo0h9PJCFg==",
    ),
    (
        "scrypt sizes",
        "scrypt$2$salz-é$1$1$uYRn9uGMbDnQXLfLqRZuStRgjNCT+PiTam3A0JTYr4nJO5Ph1dn6daPxTvj8H7BHyHEJHLcb1PdzQGkyf92HYQ==",
    ),
    (
        "scrypt sizes",
        "scrypt$1024$sJnOkpEbWeuc82Qxc4YVlD$8$3$/nARJJEkoBxzAsAoxrhsq3rWmCcGRsH/b7j4eg0Z7E9mMBw+3bCS16keuuATMurQRUfaw/H/QIQBCwKwziHPOA==",
    ),
    (
        "password",
        "md5$gmAhcvgp9MgxEnXulm63kF$6f3778b63fb95cefddc0f3530946dc93",
    ),
    (
        "pässwörd",
        "md5$JAXTLsa8a26OY16Z8Iiuo1$43ea9d9c929108d8e0f5a030479ec678",
    ),
    (
        "пароль密码🔑",
        "md5$3Cd3BCH0KARbUKy8vHcJGS$2c84f0cf00d8c074f26a0581af5eb531",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "md5$LmWz5amR3mraBnUC09Cc2Q$046e12cc99ad142217e34a7cd553a1b7",
    ),
    (
        "  outer blanks  ",
        "md5$9Ti3475bukSCzDAMpkgEYD$8f0ed8df24f9b7978c641b0afd1fd51d",
    ),
    (
        "nul\u{0}inside",
        "md5$ehCZrc3RVFjUjM6WV7Koz4$8cfc0e7acdda7bc9c7291c9351916a4d",
    ),
    ("md5", "md5$é$8eaddeb19c90df9993a64c79d0006727"),
    // Of Django 4.2.30: schemes that 5.1 has removed.
    (
        "password",
        "sha1$gwNY8vbrroIMQE1hJ4UFWv$ae42d0ab6570055f3b1f9d8b8a44f8f30532db31",
    ),
    (
        "пароль 🔑",
        "sha1$lFbgasvdXaTr1CKatKRE1H$eb97012b12ea99afcdfbeabaa3f36ef742a1f39f",
    ),
    ("password", "5f4dcc3b5aa765d61d8327deb882cf99"),
    ("password", "md5$$5f4dcc3b5aa765d61d8327deb882cf99"),
    ("пароль 🔑", "5c59db31743316ca7d708c0b731f459e"),
    ("password", "sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"),
    (
        "пароль 🔑",
        "sha1$$48b96f6e90eb28b5a8cceeb78ac860e58ff25ac0",
    ),
];

/// The users of the conformance corpus, most with Django's own rounds.
pub(super) const CORPUS_USERS: &[(&str, &str)] = &[
    (
        "correct horse battery",
        "pbkdf2_sha256$1000000$aliceSaltaliceSalt1234$D6LtUuyxUPnZti45tIUXpfQAG8OTp9VBwZ7SvlR/VJc=",
    ),
    (
        "bob-secret-1",
        "pbkdf2_sha256$1000$bobSalt0123456789abcde$nuobziJPfdNsaMfotW2A+A3PziaCgbGVygDzdIeZEuc=",
    ),
    (
        "carol-secret",
        "pbkdf2_sha256$1000000$carolSalt0123456789abc$26TOQsWQKGFsicAMkCuYTJB9v8GKjkRxmuJy+ZogvIc=",
    ),
    (
        "dave-secret",
        "pbkdf2_sha256$1000000$daveSalt0123456789abcd$imQ+NxE7XSpLJFNmllxJV2uH5JMmfIgmzx1+TIdBgbQ=",
    ),
    (
        "root-secret",
        "pbkdf2_sha256$1000000$rootSalt0123456789abcd$ncn18G/ruJERpo/ZWd1cHn5QMCUhH76j5AHcOEmNOzk=",
    ),
    (
        "argon-secret",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$YXJnb25TYWx0MDEyMzQ1Njc4OWFiYw$aRpvDYdcudae7jB8jm5qWV2YQXmYeQOgIQ7/7ovXUWs",
    ),
    (
        "bcrypt-secret",
        "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuugFp2F1Hod4ZUZ/PkEo/wjOW0N.beW62",
    ),
    (
        "scrypt-secret",
        "scrypt$16384$scryptSalt0123456789ab$8$5$Y2MIuue/Mbo3yAeDdpyUdmuPpzFclBiPTs1oneMUgX+fP6OuOaAi0uT8LixTqp/QfIwxvFZR+5BHQVhezWFAkg==",
    ),
    (
        "пароль-日本語-🔑",
        "pbkdf2_sha256$5000$unicodeSalt0123456789a$LzR0ja9k0TRJQRBV7N46MPt9a8ybYA5/ij8TxS+idz4=",
    ),
    (
        "  spaced  ",
        "pbkdf2_sha256$5000$spacesSalt0123456789ab$/DpvV4xFKR114DAqc5GcJJ/HSzUjfa6UBddKXKfXWu4=",
    ),
    (
        "sha1-secret",
        "pbkdf2_sha1$5000$sha1Salt0123456789abcd$uB8KHYdLBJO7d6u+Zlvk1qJO268=",
    ),
    (
        "md5-secret",
        "md5$saltsalt$a2aac1caf875bb9ecc5b3d455a3dcb0f",
    ),
    (
        "café",
        "pbkdf2_sha256$5000$nfcSalt0123456789abcde$QSzpgqdkun9YEHVrUR7prksml6Gtq5SkQFB6i4oqLrA=",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuumk8lbajfZUED24K9rk/o/XTNL68LYaC",
    ),
    (
        "in ner\u{9}pw",
        "pbkdf2_sha256$5000$innerSalt0123456789abc$PtSYQOeA+Y9QTdH3IsIcZ2nH8BSvqHQ8ClncV1BCGq8=",
    ),
    (
        "high-secret",
        "pbkdf2_sha256$1200000$highSalt0123456789abcd$FI9GstQ/vxhg5Yqii7Yd7YMvMVNoZ38NujKG8wbOFIs=",
    ),
];
