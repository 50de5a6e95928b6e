#!/usr/bin/env bash
# Fetches 37 photographs with free licences from packages of Debian into a folder. The recipe photos and "longspan image evaluate" read it:
# test/ has the five of 4K and more, train/ the other 32.
# Usage: _tools/photos.sh [FOLDER]    FOLDER is else .photos
#
# It takes apt-get and dpkg-deb, 168 MB of downloads and 31 MB of disk. Each file has its SHA-256 below. Licences, by the copyright files of
# the packages: lomiri-wallpapers CC0-1.0, CC-BY-4.0, CC-BY-SA-3.0 and CC-BY-SA-4.0; mate-backgrounds GPL-2+; plasma-workspace-wallpapers
# GPL-2+, and LGPL-3 by their metadata.
set -euo pipefail

lomiri_test='Kleiber_by_Lukas_Baubkus seeding_by_Clements_Engelhardt Bridge_by_Sander_Klootwijk sunset_by_Aitzol_Berasategi
Dragonfly_by_Bolly'
lomiri='Wine_by_Jakkub_Mede picosdeeuropa_by_Aitzol_Berasategi aitzgorri_by_Aitzol_Berasategi life_by_Aitzol_Berasategi
friends_by_Aitzol_Berasategi free_by_Peter_Nerlich greentock_by_Peter_Nerlich Picture_0B_by_freespace
Picture_1A_by_freespace'
mate='Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood YellowFlower'
plasma='BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Grey Kite OneStandsOut Path summer_1am'
sums='bd86b081f9975e2b83527f71e49b9271a8ab40885428395969d9f7d834d7f050  test/Bridge.jpg
af5af17841009732def24b09bb1e669a1b09d2b4bdeee7812c371101c30d2bb3  test/Dragonfly.jpg
6572410c09f4492c74ccadde133565a14c0161617d5917d4c820c66d65a44ba7  test/Kleiber.jpg
a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f  test/seeding.jpg
474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18  test/sunset.jpg
5c30118205982da441bf7e6a1ada636a8a0be879408140b3148280c665ed6bce  train/Aqua.jpg
f7aac0dcc2e06d0491643e84df3da1d9db7c4610f58806a880d56e074799f600  train/Blinds.jpg
c272434ef39f2abf1ed48a15a8910088020f3165329a5092f3940ec9464bc05f  train/BytheWater.jpg
05bef6722fc0ed81292cceb3ed026c38d17e510f3c84be7d68610c2b1a723c3f  train/ColdRipple.jpg
6e0f3a72feb5a4a9fec191b77e34874c3c69e2d93040deb3f07773e73385023d  train/ColorfulCups.jpg
8e3703fae3a3c217b1fc2b399b706cd3720584268d071ba153e4809daa55f1ce  train/DarkestHour.jpg
8a67c2cb0be8c46b70c237311a4fa4d2b4ac7d39568135384787801fa5cc9a91  train/Dune.jpg
586682dcb362b9f620068f10138f87d0d3649939aef238adc5807cb951976a7a  train/EveningGlow.jpg
95603a6560c7e8d50e0e03b3f4adbe39c5258c72528e74e4ecaea1daf4e499de  train/FallenLeaf.jpg
972b0a0c4e5e3fa93f4f244fc84bc64b121a5eac3aaa5856f1308c1f38a02f8e  train/FreshFlower.jpg
d3095ee09d425ef23d27155412136cf14fc3c9af76ca58b452f55e23da324e78  train/Garden.jpg
8fa0de0aa4089f7319c9fb7a6d006d4cab6023e8c8853731557cff53567b4832  train/GreenMeadow.jpg
88c31d8944b7e6935d1b9a296654c692f0772cb512491713eb30a972a604c0ed  train/Grey.jpg
bdca288ce296a981e80659c021cf707caddc702c0c8d4247e60bd618476d47f8  train/Kite.jpg
e35a9a4126ef969c90b29c038058c5a575a20eadd84106a37bf1fa9931e7b61d  train/LadyBird.jpg
cb507baf1dafdcae362264f3aba9483ed4be5f6c9fdd770f0ec0920c6d9e80fd  train/OneStandsOut.jpg
7477457d7f17b736259f1b021864778ad4ba802cf3214e6728181ff29126bba8  train/Path.jpg
c8c0ab18e48d9e0419fe42881112137f3afafc27dfddc29ec3a6d54c56d225ad  train/Picture_0B.jpg
89e86af38d04daaef975665dc2127e9fa76f0fd68f4eea105a2d0ae3390b010b  train/Picture_1A.jpg
3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16  train/RainDrops.jpg
77ca53077831d3237f73393a91fc879158abc046d852941c26e90de336356957  train/Storm.jpg
665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb  train/TwoWings.jpg
d2e96e6d4da40dd804b3d0ce295e94de04a2d7d9b6785d42cd9d92ba58bced74  train/Wine.jpg
19c78500ac00a622e19907ab9cc7d06d46fe08c4a6142759a84195696150ec07  train/Wood.jpg
254da96256acb7add685679775a04d1e4a5bc8cd13e5a5a3d61351ce198a5306  train/YellowFlower.jpg
66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36  train/aitzgorri.jpg
85a5453c2fed514c75973016f3d862aca62eb7ca087618822469274ac1092373  train/free.jpg
cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d  train/friends.jpg
e7b20e2db9dcd6e2b278ca55873c2110b35d89cd38b04d0b18728726888e6889  train/greentock.jpg
4c119350ead80201fe256850c3d316309ddfb4bdf10b235ce982dcde0c667c05  train/life.jpg
414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a  train/picosdeeuropa.jpg
c868b50789591dd42910153c768053f1ba0a98cb36bbfc2b7a96a1045d0477f8  train/summer_1am.jpg'
folder=${1:-.photos}
mkdir -p "$folder"
cd "$folder"
if sha256sum --check --strict --quiet - <<<"$sums" >/dev/null 2>&1; then
  echo "$folder: is there"
  exit
fi

place() { # copies the photographs below a folder where the packages were opened
  local share=$1/usr/share name
  mkdir -p train test
  for name in $lomiri_test; do cp "$share/backgrounds/$name.jpg" "test/${name%%_by_*}.jpg"; done
  for name in $lomiri; do cp "$share/backgrounds/$name.jpg" "train/${name%%_by_*}.jpg"; done
  for name in $mate; do cp "$share/backgrounds/mate/nature/$name.jpg" train/; done
  for name in $plasma; do cp "$share/wallpapers/$name/contents/images/2560x1600.jpg" "train/$name.jpg"; done
}

work=$(mktemp -d .fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds plasma-workspace-wallpapers &&
  for each in *.deb; do dpkg-deb -x "$each" .; done)
place "$work"
sha256sum --check --strict --quiet - <<<"$sums"
