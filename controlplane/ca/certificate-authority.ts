/** LIVING STATE: the authority of one mesh: who signs, whom everybody trusts, and who got what. */
import { formatSpiffeId, type SpiffeId } from '#api/spiffe-id.ts';
import type { System } from '#system/system.ts';
import { type Admission, BootstrapTokens } from './attestation.ts';
import { type IssuedLeaf, IssuedLeaves } from './issued-leaves.ts';
import type { Shelf } from './shelf.ts';
import type { Issued, Signer } from './signer.ts';
import { begin, finish, type RotationStep, switchOver, type TrustBundle, trusted } from './trust-bundle.ts';

/** What an authority needs. */
export interface AuthorityOptions<Kind extends Signer = Signer> {
  readonly shelf: Shelf<Kind>;
  readonly system: Pick<System, 'clock' | 'log'>;
  /** Folder like istiod's `cacerts`, for the first start; absent: a root is made. */
  readonly importFrom?: string;
}

/** A request, and what is known of its sender. */
export interface Order extends Admission {
  readonly csr: string;
  readonly lifeSeconds: number;
}

/** What people may know. No keys. */
export interface AuthorityReport {
  readonly phase: TrustBundle['phase'];
  readonly roots: readonly { readonly id: string; readonly isSigning: boolean; readonly notAfterMs: number; readonly pem: string }[];
  readonly leaves: readonly IssuedLeaf[];
}

/** Loads what is kept, or makes a root. Rejects when files are missing or do not fit together. */
export const openAuthority = async <Kind extends Signer>(options: AuthorityOptions<Kind>): Promise<CertificateAuthority<Kind>> => {
  const { shelf, system, importFrom } = options;
  const nowMs = system.clock.wallTimeMs();
  const kept = shelf.bundle;
  if (kept === undefined) {
    const { id, signer } = await shelf.create(nowMs, importFrom);
    const authority = new CertificateAuthority(options, { phase: 'steady', signing: id }, new Map([[id, signer]]));
    authority.keep();
    return authority;
  }
  const signers = await Promise.all(trusted(kept).map(async (id) => [id, await shelf.load(id, nowMs)] as const));
  return new CertificateAuthority(options, kept, new Map(signers));
};

/** Made by `openAuthority`. */
export class CertificateAuthority<Kind extends Signer = Signer> {
  readonly tokens: BootstrapTokens;
  readonly #options: AuthorityOptions<Kind>;
  readonly #signers: Map<string, Kind>;
  readonly #leaves: IssuedLeaves;
  readonly #listeners = new Set<() => void>();
  #bundle: TrustBundle;
  #stepping = false;

  constructor(options: AuthorityOptions<Kind>, bundle: TrustBundle, signers: Map<string, Kind>) {
    this.#options = options;
    this.#bundle = bundle;
    this.#signers = signers;
    const { leaves, tokens } = options.shelf.issued;
    this.#leaves = new IssuedLeaves(leaves);
    this.tokens = new BootstrapTokens(tokens);
  }

  /** Whom to trust now; PEM, one root after another. */
  get roots(): string {
    return trusted(this.#bundle)
      .map((id) => this.#signerOf(id).root)
      .join('');
  }

  /** Who signs now. */
  get signer(): Kind {
    return this.#signerOf(this.#bundle.signing);
  }

  /** Called when other roots are trusted, or another signs. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A token for one start of a workload. */
  admit(admission: Admission): string {
    const token = this.tokens.issue(admission, this.#nowMs());
    this.#keepIssued();
    return token;
  }

  /** Throws RequestRefused. */
  redeem(token: string): Admission {
    const admission = this.tokens.redeem(token, this.#nowMs());
    this.#keepIssued();
    return admission;
  }

  /** Whose certificate that is; undefined when it is nobody's last one. */
  holderOf(serial: string): string | undefined {
    return this.#leaves.holderOf(serial);
  }

  /** Rejects with RequestRefused. */
  async issue({ csr, identity, lifeSeconds, holder }: Order): Promise<Issued> {
    const nowMs = this.#nowMs();
    const authority = this.#bundle.signing;
    const issued = await this.#signerOf(authority).sign({ csr, identity, lifeSeconds, nowMs });
    const { serial, notAfterMs } = issued;
    const name = formatSpiffeId(identity);
    this.#leaves.add({ holder: holder ?? serial, identity: name, serial, issuedAtMs: nowMs, notAfterMs, authority });
    // Before the answer: who gets a certificate is known, whatever happens next.
    this.#keepIssued();
    this.#options.system.log.info('ca.issued', { identity: name, serial, until: new Date(notAfterMs).toISOString() });
    return issued;
  }

  report(): AuthorityReport {
    const { signing, phase } = this.#bundle;
    const roots = trusted(this.#bundle).map((id) => {
      const { root, notAfterMs } = this.#signerOf(id);
      return { id, isSigning: id === signing, notAfterMs, pem: root };
    });
    return { phase, roots, leaves: this.#leaves.list() };
  }

  /** behind: workloads whose proxies have not acknowledged the roots in force. importFrom: only with begin. Rejects with TooEarly. */
  async rotate(
    step: RotationStep,
    { behind, importFrom }: { readonly behind: readonly string[]; readonly importFrom?: string },
  ): Promise<void> {
    if (this.#stepping) throw new Error('another step is being taken at this moment');
    this.#stepping = true;
    try {
      const before = this.#bundle;
      if (step === 'begin') await this.#begin(importFrom);
      if (step === 'switch') this.#bundle = switchOver(before, behind);
      if (step === 'finish')
        this.#bundle = finish(before, before.phase === 'switched' ? this.#leaves.standingOn(before.other, this.#nowMs()) : []);
      this.keep();
      if (step === 'finish' && before.phase === 'switched') this.#drop(before.other);
      this.#options.system.log.info('ca.rotation', { step, phase: this.#bundle.phase, roots: trusted(this.#bundle) });
      for (const listener of this.#listeners) listener();
    } finally {
      this.#stepping = false;
    }
  }

  /** Writes down which roots are trusted. */
  keep(): void {
    this.#options.shelf.keepBundle(this.#bundle, this.roots);
  }

  async #begin(importFrom: string | undefined): Promise<void> {
    // Asked before a root is made for nothing.
    begin(this.#bundle, 'x');
    const { id, signer } = await this.#options.shelf.create(this.#nowMs(), importFrom);
    this.#signers.set(id, signer);
    this.#bundle = begin(this.#bundle, id);
  }

  #drop(id: string): void {
    this.#signers.delete(id);
    this.#options.shelf.remove(id);
  }

  #signerOf(id: string): Kind {
    const found = this.#signers.get(id);
    if (found === undefined) throw new Error(`invariant: no authority ${id}`);
    return found;
  }

  #nowMs(): number {
    return this.#options.system.clock.wallTimeMs();
  }

  #keepIssued(): void {
    this.#options.shelf.keepIssued({ leaves: this.#leaves.list(), tokens: this.tokens.list() });
  }
}

/** Names of the control plane itself, as istiod's. */
export const ownIdentity = (trustDomain: string): SpiffeId => ({ trustDomain, namespace: 'istio-system', serviceAccount: 'istiod' });
