// A server of tokens in the test's own process, with faults on demand.

export const BASE = "https://api.example.com/api";

export class Server {
  /** What was asked for: `{ method, path, headers, body, url, at }`. */
  requests = [];
  rotate = true;
  /** Seconds that an access token lives. */
  life = 3600;
  /** Milliseconds that the server's clock is ahead of the test's. */
  skew = 0;
  /** Whether pages can read `Date`. */
  showsDate = true;
  /** Whether the access token that a refresh brings has the `iat` of the refresh token, as with older servers. */
  copiesIat = false;
  #faults = [];
  #number = 0;
  #refresh = new Set();

  constructor(now = Date.now) {
    this.now = () => now() + this.skew;
    this.fetch = this.fetch.bind(this);
  }

  /** The next request to `path` gets this answer instead: a function of the usual one, or of nothing. */
  fault(path, answer) {
    this.#faults.push({ path, answer });
  }

  count(path) {
    return this.requests.filter((request) => request.path === path).length;
  }

  /** All tokens known so far are no good from now on. */
  revoke() {
    this.#refresh.clear();
  }

  pair() {
    const refresh = this.#token("refresh", 86_400);
    this.#refresh.add(refresh);
    return { access: this.access(), refresh };
  }

  access(iat) {
    return this.#token("access", this.life, iat);
  }

  #token(kind, life, iat) {
    const now = Math.floor(this.now() / 1000);
    const claims = { token_type: kind, iat: iat ?? now, exp: now + life, jti: `ü-${(this.#number += 1)}` };
    const part = (data) => Buffer.from(JSON.stringify(data)).toString("base64url");
    return `${part({ alg: "none" })}.${part(claims)}.c2lnbmF0dXJl`;
  }

  async fetch(input, init = {}) {
    const request = new Request(input, init.body?.getReader ? { ...init, duplex: "half" } : init);
    const path = new URL(request.url).pathname.replace("/api/", "/");
    const headers = Object.fromEntries(request.headers);
    const entry = {
      method: request.method,
      path,
      headers,
      body: await request.text(),
      url: request.url,
      at: this.now(),
    };
    this.requests.push(entry);
    request.signal.throwIfAborted();
    const index = this.#faults.findIndex((fault) => fault.path === path);
    if (index < 0) return this.#answer(entry);
    const [{ answer }] = this.#faults.splice(index, 1);
    return answer(() => this.#answer(entry), init.signal);
  }

  #answer({ path, headers, body }) {
    if (path === "/token/" || path === "/register/") return this.answer(path === "/token/" ? 200 : 201, this.pair());
    if (path === "/token/refresh/") return this.#exchange(JSON.parse(body).refresh);
    if (path === "/token/blacklist/") return this.answer(this.#refresh.delete(JSON.parse(body).refresh) ? 200 : 401);
    const isGood = this.#isGood(headers.authorization?.split(" ")[1]);
    return isGood ? this.answer(200, { id: 1, body }) : this.answer(401, { detail: "Given token not valid" });
  }

  #exchange(token) {
    if (!this.#refresh.has(token)) return this.answer(401, { detail: "Token is blacklisted" });
    const access = this.access(this.copiesIat ? claims(token).iat : undefined);
    if (!this.rotate) return this.answer(200, { access });
    this.#refresh.delete(token);
    return this.answer(200, { ...this.pair(), access });
  }

  #isGood(token = "..") {
    try {
      return claims(token).exp * 1000 > this.now();
    } catch {
      return false;
    }
  }

  answer(status, data = {}, headers = {}) {
    const date = this.showsDate ? { Date: new Date(this.now()).toUTCString() } : {};
    return new Response(JSON.stringify(data), { status, headers: { ...date, ...headers } });
  }
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

/** Faults. */
export const status =
  (code, headers = {}) =>
  () =>
    new Response("{}", { status: code, headers });
/** The request does not arrive. */
export const lost = () => Promise.reject(new TypeError("fetch failed"));
/** It does, but the answer is lost. */
export const answerLost = async (usual) => {
  await usual();
  throw new TypeError("fetch failed");
};
/** Nothing happens until somebody gives up. */
export const silence = (usual, signal) =>
  new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
