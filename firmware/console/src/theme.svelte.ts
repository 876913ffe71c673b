// Light, dark, or as the system says.

export type Theme = 'system' | 'light' | 'dark';

const KEPT = 'linebox.theme';
const kept = localStorage.getItem(KEPT);
let current = $state<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');

function show(): void {
  document.documentElement.dataset.theme = current;
}
show();

export const theme = {
  get now(): Theme {
    return current;
  },
  use(next: Theme): void {
    current = next;
    if (next === 'system') localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, next);
    show();
  },
};
