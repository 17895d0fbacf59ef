/** HttpUri → where a question on the side goes. Source: config.core.v3.HttpUri. */
import { ConfigError, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { ExtAuthz } from '#envoy';

type HttpUri = Extract<NonNullable<ExtAuthz['services']>, { $case: 'httpService' }>['value']['serverUri'];

/** Timeout in milliseconds. */
export interface SideTarget {
  readonly cluster: string;
  readonly authority: string;
  /** Path and query; `/` when the URI has none. */
  readonly path: string;
  readonly timeoutMs: number;
}

/** Throws ConfigError. The cluster decides where it really goes, and with which security. */
export const compileHttpUri = (uri: HttpUri): SideTarget => {
  if (!uri) throw new ConfigError('', 'is required');
  refuseUnsupported(uri, { read: ['uri', 'httpUpstreamType', 'timeout'] });
  const [, authority = '', path = ''] = /^(?:https?:\/\/)?([^/?#\s]+)([^#\s]*)$/.exec(uri.uri) ?? [];
  if (authority === '') throw new ConfigError('uri', `${JSON.stringify(uri.uri)} is not a URI`);
  const cluster = uri.httpUpstreamType?.value ?? '';
  if (cluster === '') throw new ConfigError('cluster', 'must not be empty');
  if (!uri.timeout) throw new ConfigError('timeout', 'is required');
  return { cluster, authority, path: path.startsWith('/') ? path : `/${path}`, timeoutMs: durationMs(uri.timeout) };
};
