/** Secrets that arrive over a stream: each is tried before it is believed, and what does not work is refused by its name. */
import type { Secret } from '#envoy';
import type { Tls } from '#system/tls/tls.ts';
import { type CompiledSecret, compileSecret, putSecret, trySecret } from './tls/compile-secret.ts';
import type { SecretStore } from './tls/secret-store.ts';
import { type Accepted, errorText } from './xds/accept-response.ts';

/** What a trial gave. */
export interface Trial {
  readonly working: readonly { readonly secret: Secret; readonly compiled: CompiledSecret }[];
  readonly failed: readonly string[];
  /** Texts for a NACK. */
  readonly errors: readonly string[];
}

/** Tries each; never rejects. */
export const trySecrets = async (secrets: readonly Secret[], tls: Tls): Promise<Trial> => {
  const working: Trial['working'][number][] = [];
  const failed: string[] = [];
  const errors: string[] = [];
  for (const secret of secrets)
    try {
      const compiled = compileSecret(secret);
      await trySecret(compiled, tls);
      working.push({ secret, compiled });
    } catch (error) {
      failed.push(secret.name);
      errors.push(errorText('sds', secret.name, error instanceof Error ? error.message : String(error)));
    }
  return { working, failed, errors };
};

/** LIVING STATE: secrets of the ADS stream on trial. One response after another, so that the newest is in force in the end. */
export class ArrivingSecrets {
  readonly #store: SecretStore;
  readonly #tls: Tls;
  #last: Promise<unknown> = Promise.resolve();
  #putting = false;

  constructor(store: SecretStore, tls: Tls) {
    this.#store = store;
    this.#tls = tls;
  }

  /** True while secrets are being put: who put them applies them, too. */
  get isPutting(): boolean {
    return this.#putting;
  }

  /** What passed the gate, less what does not work. */
  async tried(accepted: Accepted<'sds'>): Promise<Accepted<'sds'>> {
    const turn = this.#inTurn(trySecrets(accepted.resources, this.#tls), this.#last);
    this.#last = turn;
    const { working, failed, errors } = await turn;
    return {
      resources: working.map(({ secret }) => secret),
      failed: new Set([...accepted.failed, ...failed]),
      errors: [...accepted.errors, ...errors],
    };
  }

  async #inTurn(trial: Promise<Trial>, before: Promise<unknown>): Promise<Trial> {
    const result = await trial;
    await before;
    return result;
  }

  /** Puts in force what was tried. */
  put(secrets: readonly Secret[]): void {
    this.#putting = true;
    for (const secret of secrets) putSecret(this.#store, { name: secret.name, source: { kind: 'ads' } }, compileSecret(secret));
    this.#putting = false;
  }
}
