/** A part that scrolls by itself, and therefore can be reached and scrolled with the keyboard. */
import type { ComponentChildren } from 'preact';

/** label: what a screen reader calls it. */
export const ScrollRegion = ({ label, class: name, children }: { label: string; class: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1; axe scrollable-region-focusable)
  <section class={name} tabIndex={0} aria-label={label}>
    {children}
  </section>
);
