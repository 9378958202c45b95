export { createAuth, type Auth, type Options, type Pass, type Plan } from "./auth.js";
export { LoggedOut, Refused, Unavailable } from "./errors.js";
export type { AuthEvent, Listener } from "./events.js";
export type { Lock } from "./lock.js";
export type { CookieLogin, Login, TokenLogin } from "./login.js";
export type { Paths } from "./session.js";
export { memory, webStorage, type LoginStorage } from "./storage.js";
