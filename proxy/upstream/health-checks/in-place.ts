/** Hosts that are not configured any longer, kept where they were. */

interface Group<H> {
  readonly hosts: readonly H[];
}

/** next, with those of `staying` put into the priority and locality that they had in `before`. */
export const inPlace = <H, G extends Group<H>>(
  next: readonly (readonly G[])[],
  before: readonly (readonly G[])[],
  staying: ReadonlySet<H>,
): G[][] =>
  Array.from({ length: Math.max(next.length, before.length) }, (_, level) => {
    const [now, then] = [next[level] ?? [], before[level] ?? []];
    return Array.from({ length: Math.max(now.length, then.length) }, (_, index) => {
      const group = (now[index] ?? { ...then[index], hosts: [] }) as G;
      const kept = (then[index]?.hosts ?? []).filter((host) => staying.has(host));
      return kept.length === 0 ? group : { ...group, hosts: [...group.hosts, ...kept] };
    });
  });
