//! What process values measure, and what that is called.

/// What is measured in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Temperature,
    Pressure,
    Flow,
    Speed,
    Velocity,
    Power,
    Current,
    Voltage,
    Frequency,
    Torque,
    Force,
    Concentration,
    Conductivity,
    Turbidity,
    Density,
    Extract,
    Viscosity,
    Acidity,
    Dose,
    Humidity,
    Length,
    Share,
    Duration,
    Mass,
    Volume,
    Energy,
}

impl Quantity {
    /// Whether little but a process is told of in it: not what a plate has, a part measures or a bill lists.
    pub(super) fn is_evident(self) -> bool {
        use Quantity as Q;
        matches!(
            self,
            Q::Temperature
                | Q::Pressure
                | Q::Flow
                | Q::Speed
                | Q::Concentration
                | Q::Conductivity
                | Q::Turbidity
                | Q::Extract
                | Q::Viscosity
                | Q::Acidity
                | Q::Dose
                | Q::Humidity
        )
    }

    /// Whether a machine's plate has it.
    pub(super) fn is_of_plates(self) -> bool {
        matches!(self, Self::Power | Self::Current | Self::Voltage | Self::Frequency)
    }

    /// What a value of it is called, in English and in German, and what several that make a range are called in German.
    pub(crate) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Temperature => ("a temperature", "eine Temperatur", "Temperaturbereich"),
            Self::Pressure => ("a pressure", "ein Druck", "Druckbereich"),
            Self::Flow => ("a flow rate", "ein Durchfluss", "Durchflussbereich"),
            Self::Speed => ("a speed", "eine Drehzahl", "Drehzahlbereich"),
            Self::Velocity => ("a speed", "eine Geschwindigkeit", "Geschwindigkeitsbereich"),
            Self::Power => ("a power", "eine Leistung", "Leistungsbereich"),
            Self::Current => ("a current", "eine Stromstärke", "Strombereich"),
            Self::Voltage => ("a voltage", "eine Spannung", "Spannungsbereich"),
            Self::Frequency => ("a frequency", "eine Frequenz", "Frequenzbereich"),
            Self::Torque => ("a torque", "ein Drehmoment", "Drehmomentbereich"),
            Self::Force => ("a force", "eine Kraft", "Kraftbereich"),
            Self::Concentration => ("a concentration", "eine Konzentration", "Konzentrationsbereich"),
            Self::Conductivity => ("a conductivity", "eine Leitfähigkeit", "Leitfähigkeitsbereich"),
            Self::Turbidity => ("a turbidity", "eine Trübung", "Trübungsbereich"),
            Self::Density => ("a density", "eine Dichte", "Dichtebereich"),
            Self::Extract => ("a sugar content", "ein Extraktgehalt", "Extraktbereich"),
            Self::Viscosity => ("a viscosity", "eine Viskosität", "Viskositätsbereich"),
            Self::Acidity => ("a pH value", "ein pH-Wert", "pH-Bereich"),
            Self::Dose => ("a dose", "eine Dosis", "Dosisbereich"),
            Self::Humidity => ("a humidity", "eine Feuchte", "Feuchtebereich"),
            Self::Length => ("a length", "eine Länge", "Längenbereich"),
            Self::Share => ("a percentage", "ein Prozentsatz", "Prozentbereich"),
            Self::Duration => ("a duration", "eine Dauer", "Zeitbereich"),
            Self::Mass => ("a mass", "eine Masse", "Massebereich"),
            Self::Volume => ("a volume", "ein Volumen", "Volumenbereich"),
            Self::Energy => ("an energy", "eine Energie", "Energiebereich"),
        }
    }
}
