/** The authority of a control plane, in either world: what it is opened from, and what others may ask of it. */
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { Admission } from './attestation.ts';
import { type AuthorityReport, type CertificateAuthority, openAuthority } from './certificate-authority.ts';
import { folderShelf, memoryShelf } from './shelf.ts';
import type { SigningService } from './signing-service.ts';
import { simulatedSigner } from './simulated-signer.ts';
import type { RotationStep } from './trust-bundle.ts';
import type { X509Signer } from './x509-signer.ts';

/** Where an authority lives. simulated: in memory, with certificates of the simulated world. */
export type AuthorityConfig =
  | { readonly kind: 'simulated' }
  | {
      readonly kind: 'folder';
      readonly directory: string;
      /** Where proxies ask for certificates. */
      readonly address: SocketAddress;
      /** Folder like istiod's `cacerts`, for the first start; absent: a root is made. */
      readonly importFrom?: string;
    };

/** An authority that works. */
export interface MeshAuthority {
  readonly authority: CertificateAuthority;
  readonly trustDomain: string;
  /** Begins to answer proxies; nothing where nobody asks over a network. */
  listen(): Promise<SigningService | undefined>;
}

/** Rejects when what is kept cannot be used. */
export const openMeshAuthority = async (
  config: AuthorityConfig,
  trustDomain: string,
  system: Pick<System, 'clock' | 'log'>,
): Promise<MeshAuthority> => {
  if (config.kind === 'simulated')
    return { trustDomain, authority: await openAuthority({ shelf: memoryShelf(simulatedSigner), system }), listen: async () => undefined };
  const { directory, address, importFrom } = config;
  const shelf = folderShelf(directory, trustDomain, system.log);
  const authority: CertificateAuthority<X509Signer> = await openAuthority({
    shelf,
    system,
    ...(importFrom !== undefined && { importFrom }),
  });
  return {
    trustDomain,
    authority,
    listen: async () => (await import('./signing-service.ts')).listenForSigning({ authority, trustDomain, system }, address),
  };
};

/** The authority as this process's own parts use it. */
export interface IdentityControl {
  readonly trustDomain: string;
  report(): AuthorityReport;
  /** Rejects with TooEarly. */
  rotate(step: RotationStep): Promise<void>;
  /** Certifies a proxy of this process: PEM, leaf first, without the root. */
  certify(admission: Admission, request: { readonly csr: string; readonly lifeSeconds: number }): Promise<string>;
}

/** behind: workloads whose proxies have not acknowledged what is in force. */
export const identityControl = ({ authority, trustDomain }: MeshAuthority, behind: () => readonly string[]): IdentityControl => ({
  trustDomain,
  report: () => authority.report(),
  rotate: (step) => authority.rotate(step, { behind: behind() }),
  certify: async (admission, request) => (await authority.issue({ ...admission, ...request })).chain.slice(0, -1).join(''),
});
