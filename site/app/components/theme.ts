/** Light or dark: as the system says, until somebody chooses. */
import { effect, signal } from '@preact/signals';

const KEY = 'dinghy-theme';
const stored = localStorage.getItem(KEY);
const preferred = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';

/** The theme in use. */
export const theme = signal<'light' | 'dark'>(stored === 'light' || stored === 'dark' ? stored : preferred);

/** The other one from now on. */
export const toggleTheme = (): void => {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, theme.value);
};

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
