import type { AxiosError, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from "axios";
import { isReadOnce } from "./body.js";
import type { Auth, Pass } from "./auth.js";

const SENT = Symbol("tokenpair");

/** What is to be known of a request that was sent. Functions, as errors get logged with their configuration. */
interface Sent {
  renew: Pass["renew"];
  /** Before axios transformed it. */
  data: () => unknown;
}

type Config = InternalAxiosRequestConfig & { [SENT]?: Sent };

/** Gives the requests of an axios instance the login's whole care. Interceptors added afterwards see the outcome of it. */
export function attach<Instance extends AxiosInstance>(instance: Instance, auth: Auth): Instance {
  /** Sends what the interceptors of `instance` have seen already. */
  const bare = instance.create();

  instance.interceptors.request.use(async (config: Config) => {
    if (config.headers.has("Authorization")) return config;
    const url = instance.getUri(config);
    const pass = await auth
      .authorize(url, { method: config.method, signal: signalOf(config) })
      .catch(unlessAborted(config));
    return pass ? carry(confine(config, url), pass) : config;
  });

  /** The outcome of a second try, or null if there is none. */
  async function repeat(config: Config | undefined): Promise<AxiosResponse | null> {
    const sent = config?.[SENT];
    if (!sent) return null;
    const pass = await sent.renew(signalOf(config)).catch(unlessAborted(config));
    if (isReadOnce(sent.data()) || (!pass && !signalOf(config)?.aborted)) return null;
    const again = { ...config, data: sent.data() };
    return bare.request(pass ? carry(again, pass) : again).then(conceal, (error: unknown) => {
      throw conceal(error as AxiosError);
    });
  }

  instance.interceptors.response.use(
    async (response) => {
      const outcome = response.status === 401 ? await repeat(response.config) : null;
      return outcome ?? concealOurs(response);
    },
    async (error: AxiosError) => {
      const outcome = error.response?.status === 401 ? await repeat(error.config) : null;
      if (outcome) return outcome;
      throw concealOurs(error);
    },
  );
  return instance;
}

function carry(config: Config, pass: Pass): Config {
  const data: unknown = config.data;
  for (const [name, value] of Object.entries(pass.headers)) config.headers.set(name, value);
  if (pass.credentials === "include") config.withCredentials ??= true;
  config[SENT] = { renew: (signal) => pass.renew(signal), data: () => data };
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
