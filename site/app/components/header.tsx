/** The top line: is the mesh well, how much goes through it, and where one is. */
import { useLocation } from 'preact-iso';
import { connection, figures, mesh, state } from '../live/store.ts';
import { milliseconds, percent } from '../live/words.ts';
import { openPalette, PALETTE_KEY } from './palette.tsx';
import { theme, toggleTheme } from './theme.ts';

/** Share of calls that may fail before the mesh is no longer called healthy. */
const MUCH_FAILS = 0.05;

const TABS = [
  { path: '/labs', label: 'Labs' },
  { path: '/', label: 'Mesh' },
  { path: '/config', label: 'Config' },
  { path: '/xds', label: 'xDS' },
  { path: '/conformance', label: 'Conformance' },
];

/** 0…1 of all calls of the last ten seconds; undefined without any. Every hop counts: a page may be 200 while what it asked for failed. */
const goodShare = (): number | undefined => {
  const edges = figures.value?.edges ?? [];
  const calls = edges.reduce((sum, { rate }) => sum + rate, 0);
  return calls === 0 ? undefined : edges.reduce((sum, { rate, success }) => sum + rate * success, 0) / calls;
};

const health = (): { tone: string; words: string } => {
  if (connection.value === 'lost') return { tone: 'bad', words: 'no connection' };
  const proxies = state.value?.proxies;
  if (proxies === undefined) return { tone: 'muted', words: 'connecting' };
  if (!proxies.controlPlane) return { tone: 'bad', words: 'control plane away' };
  const count = `${proxies.connected}/${proxies.expected} proxies`;
  if (proxies.connected < proxies.expected) return { tone: 'warn', words: count };
  // Proxies that are all connected may still answer nothing but 503: that is no healthy mesh.
  const failed = 1 - (goodShare() ?? 1);
  if (failed >= MUCH_FAILS) return { tone: 'bad', words: `${count}, calls fail` };
  return { tone: 'good', words: `healthy ${count}` };
};

const Figure = ({ value, label, href }: { value: string; label: string; href: string }) => (
  <a class="figure" href={href}>
    <b>{value}</b> <span>{label}</span>
  </a>
);

/** Name, figures, tabs. */
export const Header = () => {
  const { path } = useLocation();
  const { tone, words } = health();
  const now = figures.value;
  const good = goodShare();
  const active = (tab: string) => (tab === '/' ? path === '/' : path.startsWith(tab));
  return (
    <header class="header">
      <div class="header-line">
        <a class="brand" href="/">
          <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
            <path d="M15 3v17H5z" class="sail-1" />
            <path d="M17 7v13h9z" class="sail-2" />
            <path d="M3 22h26l-4 6H7z" class="hull" />
          </svg>
          Dinghy
        </a>
        <a class={`health ${tone}`} href="/xds">
          <span class="lamp" aria-hidden="true" />
          {words}
        </a>
        <Figure value={now === undefined ? '–' : String(now.rate)} label="calls/s" href="/" />
        <Figure value={good === undefined ? '–' : percent(good)} label="success" href="/" />
        <Figure value={now === undefined || now.rate === 0 ? '–' : milliseconds(now.p99Ms)} label="p99" href="/" />
        <span class="header-end">
          {mesh.value === undefined ? null : (
            <span class="chip">
              {mesh.value.mode} mode · {mesh.value.dataPlane} data plane
            </span>
          )}
          <button type="button" class="button quiet" onClick={openPalette}>
            Go to <kbd>{PALETTE_KEY}</kbd>
          </button>
          <button type="button" class="button quiet" onClick={toggleTheme}>
            {theme.value === 'dark' ? 'Light' : 'Dark'}
            <span class="hidden-text"> theme</span>
          </button>
        </span>
      </div>
      <nav class="tabs" aria-label="Pages">
        {TABS.map((tab) => (
          <a key={tab.path} href={tab.path} aria-current={active(tab.path) ? 'page' : undefined}>
            {tab.label}
          </a>
        ))}
      </nav>
    </header>
  );
};
