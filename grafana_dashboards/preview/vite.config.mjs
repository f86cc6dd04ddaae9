import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  base: './',
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    chunkSizeWarningLimit: 20000, // all of @grafana/ui: this is looked at, not shipped
    rolldownOptions: { shimMissingExports: true }, // of newer releases of @grafana/runtime, which @grafana/plugin-compat looks for
  },
})
