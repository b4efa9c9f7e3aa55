//! Other ways to write units of a process: in words, and as several trades and countries have them.

use super::super::quantity::Quantity;
use super::Unit;

/// Units of one quantity, how much they say, and how they are written, parted by `|`.
pub(super) type Row = (Quantity, Unit, &'static str);

#[rustfmt::skip]
pub(super) const WRITTEN: &[Row] = &[
    (
        Quantity::Temperature,
        Unit::Process,
        "ºC|deg. C|degree C|degree Celsius|degrees centigrade|Grad C|DegC|grados Celsius|degrés Celsius|Kelvin|\
         kelvins|degrees Kelvin|degK|ºF|deg. F|degree F|degree Fahrenheit|Grad Fahrenheit|°R|degR|Rankine|\
         degrees Rankine",
    ),
    (
        Quantity::Pressure,
        Unit::Process,
        "Bar|bar gauge|barü|bar ü|barG|bar(ü)|bar Überdruck|bar abs|bar absolute|bar absolut|barA|bar(abs)|\
         millibar|millibars|mbar g|mbar a|mbar abs|mbar(abs)|mPa|millipascal|pascal|pascals|hectopascal|kilopascal|\
         kilopascals|KPa|kPa g|kPa gauge|kPaa|kPa a|kPa abs|kPa absolute|kPa(abs)|megapascal|megapascals|MPa(g)|MPag|\
         MPa g|MPa gauge|MPa(a)|MPaa|MPa a|MPa abs|MPa(abs)|PSI|lbf/in2|pounds per square inch|PSIG|psi g|psi gauge|\
         psi(g)|PSIA|psi a|psi abs|psi(a)|psi absolute|ksi|kpsi|atmosphere|atmospheres|Atmosphären|kgf/cm2|kp/cm2|\
         kg/cm2(g)|kg/cm2g|kgf/cm2g|mtorr|mm Hg|in Hg|inches of mercury|mm H2O|mm WS|mmWC|mm WC|cmH2O|cm H2O|mH2O|\
         m H2O|mWC|in H2O|inWC|in WC|inches of water|inches WC",
    ),
    (
        Quantity::Frequency,
        Unit::Process,
        "hertz|rev/s|revolutions per second|U/s|Umdrehungen pro Sekunde|mHz|kilohertz|megahertz",
    ),
    (
        Quantity::Speed,
        Unit::Process,
        "r.p.m.|rev/min|revs/min|revs per minute|rev per minute|revolutions per minute|rotations per minute|min^-1|UpM|\
         Umdr./min|Umdrehungen pro Minute|Umdrehungen je Minute|Umdrehungen/min|tr/min|krpm|kRPM",
    ),
    (
        Quantity::Flow,
        Unit::Process,
        "cbm/h|cubic meters per hour|cubic metres per hour|cubic meter per hour|cubic metre per hour|\
         cubic meters an hour|Kubikmeter pro Stunde|Kubikmeter je Stunde|Kubikmeter/h|m3 per hour|m3 pro Stunde|m3 h-1|\
         m3*h-1|m3.h-1|m3/Std|cubic meters per minute|cubic metres per minute|Kubikmeter pro Minute|m3 per minute|\
         cubic meters per second|cubic metres per second|Kubikmeter pro Sekunde|cubic meters per day|\
         cubic metres per day|Kubikmeter pro Tag|lph|LPH|liters per hour|litres per hour|liter per hour|litre per hour|\
         Liter pro Stunde|Liter/h|Liter je Stunde|ltr/h|L per hour|liters per minute|litres per minute|\
         liter per minute|litre per minute|Liter pro Minute|Liter/min|Liter je Minute|ltr/min|L per minute|lps|\
         liters per second|litres per second|Liter pro Sekunde|Liter/s|cc/min|milliliters per minute|\
         millilitres per minute|Milliliter pro Minute|milliliters per hour|millilitres per hour|Milliliter pro Stunde|\
         cc/s|hL/h|Hektoliter pro Stunde|hectoliters per hour|USgpm|gallons per minute|gallon per minute|\
         US gallons per minute|GPH|gallons per hour|cubic feet per minute|acfm|ACFM|cfh|CFH|cubic feet per hour|bpd|\
         bbl/d|bbl/day|barrels per day|Nm3 per hour|Nm3/Std|normal cubic meters per hour|Normkubikmeter pro Stunde|\
         m3(N)/h|mN3/h|NLPM|nlpm|SLPM|sl/min|ln/min|NLM|standard liters per minute|NmL/min|Nml/min|mln/min|Ncm3/min|\
         SCFM|std ft3/min|standard cubic feet per minute|scfh|SCFH|standard cubic feet per hour|\
         standard cubic meters per hour|kilograms per hour|kilogram per hour|Kilogramm pro Stunde|kilos per hour|\
         kg per hour|kg pro Stunde|kilograms per minute|Kilogramm pro Minute|kg per minute|kg pro Minute|\
         kilograms per second|Kilogramm pro Sekunde|kilograms per day|TPH|tonnes per hour|tons per hour|\
         metric tons per hour|Tonnen pro Stunde|to/h|tpd|tonnes per day|tons per day|Tonnen pro Tag|grams per minute|\
         Gramm pro Minute|grams per hour|Gramm pro Stunde|grams per second|Gramm pro Sekunde|pounds per hour|\
         pound per hour|pounds per minute",
    ),
    (
        Quantity::Velocity,
        Unit::Process,
        "meters per second|metres per second|Meter pro Sekunde|m s-1|meters per minute|metres per minute|\
         Meter pro Minute|meters per hour|metres per hour|Meter pro Stunde|centimeters per second|\
         Zentimeter pro Sekunde|millimeters per second|millimetres per second|Millimeter pro Sekunde|\
         millimeters per minute|millimetres per minute|Millimeter pro Minute|FPM|feet per minute|feet per second|\
         inches per minute|inches per second",
    ),
    (
        Quantity::Force,
        Unit::Process,
        "newton|newtons|Newton|kilonewton|kilonewtons|Kilonewton|meganewton|lbf|pounds-force|pound-force|kgf|kilopond",
    ),
    (
        Quantity::Torque,
        Unit::Process,
        "N.m|N m|N*m|newton meter|newton meters|newton metres|Newtonmeter|kN.m|kNm|kN m|kN*m|ft-lb|ft lb|lb-ft|lbf-ft|\
         lbf ft|ft-lbs|foot-pounds|lb ft",
    ),
    (
        Quantity::Power,
        Unit::Process,
        "watt|watts|Watt|mW|milliwatt|milliwatts|Milliwatt|kilowatt|kilowatts|Kilowatt|KW|megawatt|megawatts|Megawatt|\
         hp|HP|horsepower|bhp|BTU/h|Btu/h|BTU/hr|btu/h|voltampere|MVA|kVAr|kVAR",
    ),
    (
        Quantity::Voltage,
        Unit::Process,
        "volt|volts|Volt|V DC|V AC|Vdc|Vac|millivolt|millivolts|Millivolt|kilovolt|kilovolts|Kilovolt",
    ),
    (
        Quantity::Current,
        Unit::Process,
        "amp|amps|ampere|amperes|Ampere|milliamp|milliamps|milliampere|Milliampere|uA|µA|microamp|microamps|kiloamp|\
         Kiloampere",
    ),
    (
        Quantity::Conductivity,
        Unit::Process,
        "siemens per meter|Siemens pro Meter|millisiemens per centimeter|microsiemens per centimeter|\
         Mikrosiemens pro Zentimeter|S/cm",
    ),
    (
        Quantity::Density,
        Unit::Process,
        "kilograms per cubic meter|Kilogramm pro Kubikmeter|grams per liter|Gramm pro Liter|g/cc|grams per milliliter|\
         mg per liter|milligrams per liter|Milligramm pro Liter|micrograms per liter|lb/cu ft",
    ),
    (
        Quantity::Concentration,
        Unit::Process,
        "millimolar|PPM|parts per million|parts per billion",
    ),
    (
        Quantity::Share,
        Unit::Plain,
        "percent|per cent|pct|Prozent|prozent|vol%|vol-%|Vol.-%|wt%|wt.%|mol%|%vol|permille|per mille|Promille",
    ),
    (
        Quantity::Humidity,
        Unit::Process,
        "% rH|%rF|percent relative humidity|% relative humidity|RH",
    ),
    (
        Quantity::Viscosity,
        Unit::Process,
        "Pa.s|Pa s|Pas|Pa*s|pascal seconds|mPa.s|mPa s|mPa*s|centipoise|centistokes",
    ),
    (
        Quantity::Turbidity,
        Unit::Process,
        "TE/F",
    ),
];
