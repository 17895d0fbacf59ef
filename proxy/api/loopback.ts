/** Who may talk to an API on loopback: programs of this machine, and pages of that API's own; DNS rebinding included. Source: security.md 2.14. */

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** True for the `Host` of a loopback address, whatever its port. */
export const isLoopbackHost = (host: string): boolean => LOOPBACK_HOST.test(host);

/** What a browser or a program said about where a request comes from and goes to. */
export interface RequestEdges {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `sec-fetch-site`; undefined where a link from elsewhere may lead. */
  readonly site: string | undefined;
}

/** Why a request is not served; undefined when it is. isOurs: which hosts are; any loopback address by default. */
export const refusalOf = ({ host, origin, site }: RequestEdges, isOurs: (host: string) => boolean = isLoopbackHost): string | undefined => {
  if (host === undefined || !isOurs(host)) return 'this server answers to its own loopback address only';
  if (origin !== undefined && origin !== `http://${host}`) return 'this page belongs to another origin';
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'this page belongs to another site';
  return undefined;
};
