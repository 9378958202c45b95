/**
 * The refresh token has expired, was revoked or refused; or somebody logged out, or logged in as somebody else, meanwhile.
 */
export class LoggedOut extends Error {
  override readonly name = "LoggedOut";

  constructor() {
    super("The login has ended.");
  }
}

/** The server gave no answer that decides anything. The login is kept; try again later. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";

  /**
   * @param status what it answered, if it did: 408, 425, 429 or 5xx
   * @param retryAfter seconds that it asked to wait
   * @param options with the error of `fetch` as `cause`, if there was no answer
   */
  constructor(
    readonly status?: number,
    readonly retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(status ? `The server is not available: it answered ${status}.` : "The server is not available.", options);
  }
}

/**
 * The server said no: to a log-in or a sign-up, or, as a defect of the set-up, to a refresh; or it answered a log-in or a
 * refresh without an access token. A login is kept.
 */
export class Refused extends Error {
  override readonly name = "Refused";

  /**
   * @param status what the server answered; 0 for a redirect in a browser
   * @param data the body of the answer to a log-in or a sign-up, such as `{ username: ["This field is required."] }`
   */
  constructor(
    path: string,
    readonly status: number,
    readonly data?: unknown,
  ) {
    super(`${path} answered ${status || "with a redirect"}.`);
  }
}
