import type { AxiosError, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from "axios";
import type { Auth, Pass } from "./auth.js";
import { isReadOnce } from "./body.js";
import { here } from "./host.js";

const SENT = Symbol("tokenpair");

/** What is to be known of a request that was sent. Functions, as errors get logged with their configuration. */
interface Sent extends Pick<Pass, "accepted" | "renew"> {
  /** Before axios transformed it. */
  data: () => unknown;
  url: string;
}

type Config = InternalAxiosRequestConfig & { [SENT]?: Sent };

/** Gives the requests of an axios instance the login's whole care. Interceptors added afterwards see the outcome of it. */
export function attach<Instance extends AxiosInstance>(instance: Instance, auth: Auth): Instance {
  /** Sends what the interceptors of `instance` have seen already. */
  const bare = instance.create();

  instance.interceptors.request.use(async (config: Config) => {
    // Of a configuration that is used again.
    config[SENT] = undefined;
    if (config.headers.has("Authorization") || config.auth) return config;
    const url = target(config);
    const pass = await auth
      .authorize(url, { method: config.method, signal: signalOf(config), isOnce: isReadOnce(config.data) })
      .catch(unlessAborted(config));
    return pass ? carry(confine(config, url), pass, url) : config;
  });

  /** Where a request goes. Versions 1.8.0 and 1.8.1 send whole addresses there also where `allowAbsoluteUrls` forbids them. */
  function target(config: Config): string {
    return config.url && isAbsolute(config.url) ? config.url : instance.getUri(config);
  }

  /** The outcome of a second try, or null if there is none. */
  async function repeat(response: AxiosResponse): Promise<AxiosResponse | null> {
    const config: Config = response.config;
    const sent = config[SENT];
    if (response.status !== 401) sent?.accepted();
    if (response.status !== 401 || !sent || isElsewhere(response, sent.url)) return null;
    const isOnce = isReadOnce(sent.data());
    const pass = await sent.renew(signalOf(config)).catch(isOnce ? () => null : unlessAborted(config));
    if (isOnce || (!pass && !signalOf(config)?.aborted)) return null;
    if (config.responseType === "stream") close(response.data);
    const again = { ...config, data: sent.data() };
    return bare.request(pass ? carry(again, pass, sent.url) : again).then(conceal, (error: unknown) => {
      throw conceal(error as AxiosError);
    });
  }

  instance.interceptors.response.use(
    async (response) => (await repeat(response)) ?? concealOurs(response),
    async (error: AxiosError) => {
      const outcome = error.response && (await repeat(error.response));
      if (outcome) return outcome;
      throw concealOurs(error);
    },
  );
  return instance;
}

function carry(config: Config, pass: Pass, url: string): Config {
  const data: unknown = config.data;
  for (const [name, value] of Object.entries(pass.headers)) config.headers.set(name, value);
  if (pass.credentials === "include") config.withCredentials ??= true;
  config[SENT] = {
    accepted() {
      pass.accepted();
    },
    renew: (signal) => pass.renew(signal),
    data: () => data,
    url,
  };
  return config;
}

/** Older versions of axios take the token along to a subdomain when they follow a redirect in Node. */
function confine(config: Config, url: string): Config {
  const { beforeRedirect } = config;
  config.beforeRedirect = (redirect, ...details) => {
    const { href, headers } = redirect as { href: string; headers: Record<string, string> };
    if (new URL(href).origin !== new URL(url).origin) delete headers.Authorization;
    beforeRedirect?.(redirect, ...details);
  };
  return config;
}

/** Whether a redirect led to another origin, which saw no token. The `fetch` adapter does not say so. */
function isElsewhere({ request }: AxiosResponse, url: string): boolean {
  const { responseURL, res } = (request ?? {}) as { responseURL?: string; res?: { responseUrl?: string } };
  const reached = [responseURL, res?.responseUrl].find(Boolean) ?? url;
  return new URL(reached, here()).origin !== new URL(url, here()).origin;
}

/** An answer that is a stream, of Node or of browsers, keeps its connection until it is read or closed. */
function close(data: unknown): void {
  const stream = data as { destroy?(): void; cancel?(): Promise<void> } | null | undefined;
  stream?.destroy?.();
  stream?.cancel?.().catch(() => undefined);
}

/** As axios has it. */
const isAbsolute = (address: string) => /^([a-z][a-z\d+\-.]*:)?\/\//i.test(address);

const signalOf = (config: Config) => config.signal as AbortSignal | undefined;

/** Whoever gave up gets the error that axios has for that, as soon as the request is sent. */
function unlessAborted(config: Config) {
  return (error: unknown): null => {
    if (signalOf(config)?.aborted) return null;
    throw error;
  };
}

/** An Authorization that the caller gave is the caller's. */
function concealOurs<Outcome extends AxiosError | AxiosResponse>(outcome: Outcome): Outcome {
  return (outcome.config as Config | undefined)?.[SENT] ? conceal(outcome) : outcome;
}

/** Takes the token out of what applications log: errors, with their configuration and the request of Node. */
function conceal<Outcome extends AxiosError | AxiosResponse>(outcome: Outcome): Outcome {
  outcome.config?.headers.delete("Authorization");
  for (const part of [outcome, (outcome as AxiosError).response]) {
    if (part?.request) Object.defineProperty(part, "request", { enumerable: false });
  }
  return outcome;
}
