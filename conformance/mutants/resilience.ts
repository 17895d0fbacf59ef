/** Switched-on bugs of ejection, balancing, retries and limits. */
import type { Mutant } from './mutant.ts';

/** In the order of their names. */
export const RESILIENCE_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-4XX-STRIKES',
    wrong: 'answers of 4xx are strikes',
    file: 'proxy/upstream/outlier-detection/outlier-monitor.ts',
    find: 'const SERVER_ERROR = 500;',
    replace: 'const SERVER_ERROR = 400;',
  },
  {
    id: 'MUT-EJECTED-STILL-PICKED',
    wrong: 'an ejected host still gets requests',
    file: 'proxy/upstream/health-checks/health-marks.ts',
    find: 'if (marks.failedActiveCheck || marks.failedOutlierCheck)',
    replace: 'if (marks.failedActiveCheck)',
  },
  {
    id: 'MUT-EJECTION-TIME-CONSTANT',
    wrong: 'every ejection lasts the base time',
    file: 'proxy/upstream/outlier-detection/outlier-detector.ts',
    find: 'Math.min(baseEjectionMs * multiplier, maxEjectionMs)',
    replace: 'Math.min(baseEjectionMs * Math.min(1, multiplier), maxEjectionMs)',
  },
  {
    id: 'MUT-GATEWAY-STRIKES-500',
    wrong: 'a 500 is a gateway error',
    file: 'proxy/upstream/outlier-detection/outlier-monitor.ts',
    find: 'status >= 502 && status <= 504',
    replace: 'status >= 500 && status <= 504',
  },
  {
    id: 'MUT-LEAST-PICKS-MOST',
    wrong: 'of two hosts the busier one is taken',
    file: 'proxy/upstream/balancers/least-request.ts',
    find: 'if (best && other && other.activeRequests < best.activeRequests)',
    replace: 'if (best && other && other.activeRequests > best.activeRequests)',
  },
  {
    id: 'MUT-MAX-PERCENT-IGNORED',
    wrong: 'any share of the hosts may be ejected',
    file: 'proxy/upstream/outlier-detection/outlier-detector.ts',
    find: 'const hasRoom = percent <= rules.maxEjectionPercent ||',
    replace: 'const hasRoom = percent > 0 ||',
  },
  {
    id: 'MUT-NEVER-UNEJECTED',
    wrong: 'an ejected host never comes back',
    file: 'proxy/upstream/outlier-detection/outlier-detector.ts',
    find: 'if (ejection && this.lengthOf(monitor) <= nowMs - ejection.sinceMs)',
    replace: 'if (false)',
  },
  {
    id: 'MUT-ROUND-ROBIN-SKIPS',
    wrong: 'round robin leaves one host out',
    file: 'proxy/upstream/balancers/round-robin.ts',
    find: 'next = next + 1 >= hosts.length ? 0 : next + 1;',
    replace: 'next = next + 1 >= hosts.length - 1 ? 0 : next + 1;',
  },
  {
    id: 'MUT-SUCCESS-KEEPS-STRIKES',
    wrong: 'a success leaves the strikes as they are',
    file: 'proxy/upstream/outlier-detection/outlier-monitor.ts',
    find: 'this.external.good++;\n      this.consecutive5xx = 0;',
    replace: 'this.external.good++;',
  },
  {
    id: 'MUT-TOKENS-OFF-BY-ONE',
    wrong: 'one more passes than there are tokens',
    file: 'proxy/filters/token-bucket.ts',
    find: 'if (this.#tokens < 1) return false;',
    replace: 'if (this.#tokens < 0) return false;',
  },
];
