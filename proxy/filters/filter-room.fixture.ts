/** What a filter under test may use; everything that it should not need refuses. */
import { ConfigError } from '#api/config-error.ts';
import type { RouteMatch } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { compileLayer } from '../routing/header-edits.ts';
import { compileMatch, compilePath, pathOf } from '../routing/match.ts';
import type { FilterRoom } from './filter-type.ts';

const unexpected = () => Promise.reject(new Error('not called'));

export const filterRoom = (given: Partial<FilterRoom> = {}): FilterRoom => {
  const system = given.system ?? simulatedSystem();
  return {
    system,
    random: system.random,
    place: 'test',
    headerEdits: (add, field) => compileLayer({ add, remove: [] }, { add: field, remove: '' }),
    statPrefix: 'test',
    upstream: () => unexpected,
    dial: unexpected,
    requestTest: (match: RouteMatch) => {
      if (match.dynamicMetadata.length > 0) throw new ConfigError('dynamic_metadata', 'not supported in rules of a filter');
      const test = compileMatch(match, compilePath(match), system.random);
      return (request) => test(request, pathOf(request.path));
    },
    ...given,
  };
};
