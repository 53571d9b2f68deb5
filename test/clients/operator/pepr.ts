import { PeprModule } from 'pepr'
import cfg from './package.json'
import { Shelves } from './shelves'

new PeprModule(cfg, [Shelves])
