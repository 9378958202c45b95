//! Tokens without endpoints: made for a user, read again, logged out.

#![allow(clippy::print_stdout)]

use tokenpair::{AccessToken, MemoryStore, RefreshToken, Settings, SimpleJwt, UntypedToken, User};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ada = User::new(1, "ada");
    let store = MemoryStore::default();
    store.add_user(ada.clone());
    let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
    let jwt = SimpleJwt::new(settings, store)?;

    // Recorded as an outstanding token; claims added afterwards are signed, not recorded.
    let mut refresh = RefreshToken::for_user(&jwt, &ada).await?;
    refresh.insert("tenant", "acme");
    let access = jwt.encode(&refresh.access_token(&jwt))?;
    let refresh = jwt.encode(&refresh)?;

    // Pure: signature, dates, id and type.
    let token = AccessToken::verify(&jwt, &access)?;
    println!(
        "access token of {:?} at {:?}",
        token.get("user_id"),
        token.get("tenant")
    );
    println!(
        "as an access token: {:?}",
        AccessToken::verify(&jwt, &refresh).map(drop)
    );
    println!(
        "as any token: {:?}",
        UntypedToken::verify(&jwt, &refresh).map(drop)
    );

    // Reads the blacklist, too; blacklisting is logging out.
    let logged_out = RefreshToken::verify(&jwt, &refresh)
        .await?
        .blacklist(&jwt)
        .await?;
    println!("logged out now: {}", logged_out.created);
    if let Err(error) = RefreshToken::verify(&jwt, &refresh).await {
        println!("afterwards: {error}");
    }
    Ok(())
}
