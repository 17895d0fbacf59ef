/** A TLS context that follows its secrets: built anew, beside the one in use, whenever one of them changes. */
import type { Clock } from '#system/clock.ts';
import type { Log } from '#system/log.ts';
import type { Metrics } from '#system/metrics.ts';
import type { Tls, TlsContext, TlsParameters } from '#system/tls/tls.ts';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';
import type { CertificateSecret, LiveSecret, SecretStore, TrustSecret } from './secret-store.ts';

/** What one end of connections works with; made from a CommonTlsContext. */
export interface TlsSettings {
  readonly certificate?: LiveSecret<CertificateSecret>;
  /** Absent: the peer's chain is not verified. */
  readonly trust?: LiveSecret<TrustSecret>;
  readonly parameters: TlsParameters;
  /** Judges a peer whose chain is verified, by what the secrets say at that moment; a text refuses it. */
  readonly refuses?: (peer: CertificateFacts) => string | undefined;
}

/** What compiling and handshakes share; one per proxy. */
export interface TlsRoom {
  readonly system: { readonly tls: Tls; readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };
  readonly secrets: SecretStore;
  /** Contexts by what they are made of, so that a hundred listeners with one certificate have one; forgotten with their last holder. */
  readonly known: Map<string, WeakRef<LiveContext>>;
  /** Each tells the contexts that it uses now; whoever has some adds itself. */
  readonly users: (() => Iterable<LiveContext>)[];
}

/** One room for all listeners and clusters of a proxy, which tells how many days its first certificate has left. */
export const tlsRoom = (system: TlsRoom['system'], secrets: SecretStore): TlsRoom => {
  const room: TlsRoom = { system, secrets, known: new Map(), users: [] };
  const { metrics, clock } = system;
  metrics.scope('server').computed('days_until_first_cert_expiring', () => {
    const ends = contextsInUse(room).flatMap(({ shown }) => [...shown.chain, ...shown.roots].map(({ notAfterMs }) => notAfterMs));
    return ends.length === 0 ? NEVER_DAYS : Math.max(0, Math.floor((Math.min(...ends) - clock.wallTimeMs()) / DAY_MS));
  });
  return room;
};

/** Each once. What only waits to come into force is not among them. */
export const contextsInUse = ({ users }: TlsRoom): readonly LiveContext[] => [...new Set(users.flatMap((user) => [...user()]))];

const DAY_MS = 86_400_000;
/** Envoy's number where there is no certificate. */
const NEVER_DAYS = 2 ** 32 - 1;

/** Certificates of one context, for those who look: no keys. */
export interface ShownCertificates {
  /** File, or the secret's name; empty = none. */
  readonly chainName: string;
  /** Leaf first. */
  readonly chain: readonly CertificateFacts[];
  readonly rootsName: string;
  readonly roots: readonly CertificateFacts[];
}

/** Ready for handshakes, or not yet. */
export interface LiveContext {
  /** Undefined: a secret is missing, or none that works has arrived: no handshake may begin, and never plain text in its place. */
  readonly current: TlsContext | undefined;
  /** Names of secrets that have not arrived or were withdrawn. */
  readonly missing: readonly string[];
  /** As `current`, once what is being built now is built. */
  ready(): Promise<TlsContext | undefined>;
  /** Of the context in use. */
  readonly shown: ShownCertificates;
}

/** The context for these settings; one and the same for the same secrets and parameters. Starts to build at once. */
export const liveContext = (settings: TlsSettings, room: TlsRoom): LiveContext => {
  const { certificate, trust, parameters } = settings;
  const key = JSON.stringify([idOf(certificate), idOf(trust), parameters]);
  const known = room.known.get(key)?.deref();
  if (known) return known;
  const context = new FollowingContext(settings, room.system);
  room.known.set(key, new WeakRef(context));
  forgotten.register(context, () => {
    if (!room.known.get(key)?.deref()) room.known.delete(key);
  });
  return context;
};

const forgotten = new FinalizationRegistry<() => void>((forget) => forget());

const ids = new WeakMap<object, number>();
let lastId = 0;

/** A number that no other object has. */
const idOf = (secret: object | undefined): number => {
  if (!secret) return 0;
  const id = ids.get(secret) ?? ++lastId;
  ids.set(secret, id);
  return id;
};

class FollowingContext implements LiveContext {
  readonly #settings: TlsSettings;
  readonly #system: TlsRoom['system'];
  readonly #broken;
  readonly #built;
  #current: TlsContext | undefined;
  shown: ShownCertificates;
  #building: Promise<void> = Promise.resolve();
  #turn = 0;

  constructor(settings: TlsSettings, system: TlsRoom['system']) {
    this.#settings = settings;
    this.#system = system;
    const { certificate, trust } = settings;
    this.shown = { chainName: certificate?.name ?? '', chain: [], rootsName: trust?.name ?? '', roots: [] };
    const scope = system.metrics.scope('tls');
    this.#broken = scope.counter('context_build_failed');
    this.#built = scope.counter('context_built');
    this.#follow(certificate);
    this.#follow(trust);
    this.#build();
  }

  /** Secrets outlive contexts: they hold it weakly, and let go of one that nobody uses any more. */
  #follow(secret: LiveSecret<unknown> | undefined): void {
    const self = new WeakRef(this);
    const stop = secret?.onChange(() => {
      const context = self.deref();
      if (context) context.#build();
      else stop?.();
    });
  }

  get current(): TlsContext | undefined {
    return this.missing.length === 0 ? this.#current : undefined;
  }

  get missing(): readonly string[] {
    const { certificate, trust } = this.#settings;
    return [certificate, trust].flatMap((secret) => (secret && secret.current === undefined ? [secret.name] : []));
  }

  async ready(): Promise<TlsContext | undefined> {
    let waited: Promise<void> | undefined;
    while (waited !== this.#building) {
      waited = this.#building;
      await waited;
    }
    return this.current;
  }

  /** Of two that are being built the later counts, whichever is finished first. */
  #build(): void {
    const turn = ++this.#turn;
    if (this.missing.length > 0) {
      this.#current = undefined;
      return;
    }
    const { certificate, trust, parameters } = this.#settings;
    const { tls } = this.#system;
    const factsOf = async (pem: string | undefined) => (pem === undefined ? [] : tls.read(pem));
    const material = {
      ...(certificate?.current && { ...certificate.current }),
      ...(trust?.current && { trustedRoots: trust.current.trustedRoots }),
    };
    this.#building = Promise.all([
      tls.context(material, parameters),
      factsOf(certificate?.current?.certificateChain),
      factsOf(trust?.current?.trustedRoots),
    ]).then(
      ([context, chain, roots]) => {
        if (turn !== this.#turn) return;
        this.#current = context;
        this.shown = { ...this.shown, chain, roots };
        this.#built.value++;
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    this.#broken.value++;
    const { certificate, trust } = this.#settings;
    this.#system.log.error('tls.context-failed', {
      secrets: [certificate, trust].flatMap((secret) => (secret ? [secret.name] : [])),
      reason: error instanceof Error ? error.message : String(error),
      kept: this.#current !== undefined,
    });
  }
}
