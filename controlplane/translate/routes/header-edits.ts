/** Header edits → Envoy's form, in the order of their names. Pure. */
import type { Route } from '#envoy';
import type { HeaderOperations } from '../../resources/virtual-service.ts';

/** Header edits in Envoy's form, and the host rewrite that setting `host` means. */
export const headerEdits = (request: HeaderOperations | undefined, response: HeaderOperations | undefined) => {
  const host = Object.entries(request?.set ?? {}).find(([name]) => isHost(name))?.[1];
  return {
    fields: {
      requestHeadersToAdd: edits(request),
      requestHeadersToRemove: [...(request?.remove ?? [])],
      responseHeadersToAdd: edits(response),
      responseHeadersToRemove: [...(response?.remove ?? [])],
    },
    hostRewrite: host === undefined ? {} : { hostRewriteSpecifier: { $case: 'hostRewriteLiteral', value: host } as const },
  };
};

const isHost = (name: string): boolean => name.toLowerCase() === 'host' || name === ':authority';

const edits = (operations: HeaderOperations | undefined): Route['requestHeadersToAdd'] => {
  const header = (key: string, value: string, appendAction: 0 | 2) => ({
    header: { key, value, rawValue: new Uint8Array(0) },
    appendAction,
    keepEmptyValue: false,
  });
  const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);
  const entries = (headers: HeaderOperations['set']) =>
    Object.entries(headers ?? {})
      .filter(([name]) => !isHost(name))
      .sort(byName);
  return [
    ...entries(operations?.set).map(([name, value]) => header(name, value, 2)),
    ...entries(operations?.add).map(([name, value]) => header(name, value, 0)),
  ];
};
