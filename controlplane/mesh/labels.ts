/** Label selectors. Pure. */

/** True when every wanted label is there. An empty selector selects nothing. */
export const selects = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean => {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
};

/** Labels that say where a workload runs; the first counts. Label values have no slashes, so dots stand for them. Source: istio pkg/model GetLocalityLabel. */
const LOCALITY_LABELS = ['topology.istio.io/locality', 'istio-locality'];

/** `region/zone/subzone` as labels tell it; undefined when none does. */
export const localityLabel = (labels: Readonly<Record<string, string>>): string | undefined => {
  const text = LOCALITY_LABELS.map((name) => labels[name]).find((value) => value !== undefined);
  if (!text) return undefined;
  return text.includes('/') ? text : text.replaceAll('.', '/');
};
