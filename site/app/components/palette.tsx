/** ⌘K or Ctrl K: go to any page, lab, proxy, resource or request by its name. */
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { StoredResource } from '#api/resource.ts';
import { get } from '../live/api.ts';
import { mesh, tape } from '../live/store.ts';
import { openRequest } from './x-ray.tsx';

const shown = signal(false);
const PAGES = [
  { label: 'Mesh', path: '/' },
  { label: 'Labs', path: '/labs' },
  { label: 'Config', path: '/config' },
  { label: 'xDS', path: '/xds' },
  { label: 'Certificates', path: '/certificates' },
  { label: 'Conformance', path: '/conformance' },
];
const MAX_SHOWN = 9;

/** The key that opens it, as this machine's keyboard has it. */
export const PALETTE_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K';

const resources = signal<readonly StoredResource[]>([]);
const labs = signal<readonly { readonly id: string; readonly title: string; readonly number: number }[]>([]);

/** Shows the palette. */
export const openPalette = (): void => {
  shown.value = true;
  get<StoredResource[]>('/resources').then(
    (list) => {
      resources.value = list;
    },
    // Without the control plane there are still pages, proxies and requests to go to.
    () => undefined,
  );
  if (labs.value.length > 0) return;
  import('#labs').then(({ LABS }) => {
    labs.value = LABS;
  });
};

interface Place {
  readonly label: string;
  readonly kind: string;
  /** What else finds it. */
  readonly search?: string;
  readonly go: () => void;
}

const placesOf = (route: (path: string) => void): readonly Place[] => [
  ...PAGES.map(({ label, path }) => ({ label, kind: 'page', go: () => route(path) })),
  ...labs.value.map((lab) => ({ label: `${lab.number} ${lab.title}`, kind: 'lab', go: () => route(`/labs/${lab.id}`) })),
  ...[...(mesh.value?.workloads ?? []), ...(mesh.value?.gateways ?? [])].map(({ name }) => ({
    label: name,
    kind: 'proxy',
    go: () => route(`/?proxy=${encodeURIComponent(name)}`),
  })),
  ...resources.value.map(({ kind, namespace, name }) => ({
    label: `${kind} ${name}`,
    kind: 'resource',
    go: () => route(`/config?resource=${encodeURIComponent(`${kind}/${namespace}/${name}`)}`),
  })),
  ...tape.value.slice(0, 60).map((exchange) => ({
    label: `${exchange.reporter} → ${exchange.to}, ${exchange.requestId.slice(0, 8)}`,
    kind: 'request',
    search: exchange.requestId,
    go: () => openRequest(exchange.requestId),
  })),
];

const useOpeningKey = () =>
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

const Places = ({ places, index, onChoose }: { places: readonly Place[]; index: number; onChoose: (place: Place) => void }) => (
  <>
    <div role="listbox" id="places" aria-label="Places" class="places">
      {places.map((place, i) => (
        <button
          key={i}
          type="button"
          role="option"
          id={`place-${i}`}
          aria-selected={i === index}
          tabIndex={-1}
          class={`place${i === index ? ' chosen' : ''}`}
          onClick={() => onChoose(place)}
        >
          <span>{place.label}</span> <span class="muted small place-kind">{place.kind}</span>
        </button>
      ))}
    </div>
    {places.length === 0 ? <p class="empty small">Nothing has that name.</p> : null}
  </>
);

interface WantedProps {
  readonly text: string;
  /** Element id of the place that Enter takes. */
  readonly chosen: string | undefined;
  readonly onText: (text: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

const Wanted = ({ text, chosen, onText, onKeyDown }: WantedProps) => (
  <input
    class="field"
    placeholder="Page, lab, proxy, resource or request id"
    aria-label="Page, lab, proxy, resource or request id"
    role="combobox"
    aria-expanded="true"
    aria-controls="places"
    aria-activedescendant={chosen}
    autoComplete="off"
    spellcheck={false}
    value={text}
    onInput={(event) => onText(event.currentTarget.value)}
    onKeyDown={onKeyDown}
  />
);

/** The dialog, and the key that opens it. */
export const Palette = () => {
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [index, setIndex] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  useOpeningKey();
  // Before anything is painted, so that no key that follows the shortcut is lost.
  useLayoutEffect(() => {
    if (shown.value && dialog.current?.open === false) dialog.current.showModal();
  }, [shown.value]);
  if (!shown.value) return null;
  const close = () => {
    shown.value = false;
    setText('');
    setIndex(0);
  };
  const wanted = text.toLowerCase().trim();
  const places = placesOf(route)
    .filter((place) => `${place.label} ${place.kind} ${place.search ?? ''}`.toLowerCase().includes(wanted))
    .slice(0, MAX_SHOWN);
  // At once, not when the dialog says so: it says it later, and the next shortcut may have come by then.
  const leave = () => {
    dialog.current?.close();
    close();
  };
  const choose = (place: Place | undefined) => {
    if (place === undefined) return;
    leave();
    place.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') choose(places[index]);
    if (event.key === 'Escape') {
      event.preventDefault();
      leave();
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setIndex((index + step + places.length) % Math.max(1, places.length));
  };
  return (
    <dialog class="palette" ref={dialog} onClose={(event) => event.currentTarget.isConnected && close()} aria-label="Go to">
      <Wanted
        text={text}
        chosen={places.length === 0 ? undefined : `place-${index}`}
        onKeyDown={onKeyDown}
        onText={(wished) => {
          setText(wished);
          setIndex(0);
        }}
      />
      <Places places={places} index={index} onChoose={choose} />
    </dialog>
  );
};
